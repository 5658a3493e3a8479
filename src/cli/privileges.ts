import { checkPrivileges } from '../host/linux/index.ts';
import { UsageError } from './usage-error.ts';

/** @throws UsageError when this process may not do what a node needs: what is missing, what to do, what works all the same. */
export async function requirePrivileges(command: string): Promise<void> {
  const { sufficient, problems } = await checkPrivileges();
  if (sufficient) return;
  throw new UsageError(
    `${command}: ${problems.join('; ')}; "stowage up --nodes 0 --data-dir DIR" needs none of it (no node, no volumes)`,
  );
}
