import { UsageError } from './usage-error.ts';

/** @throws UsageError when not root, saying what works all the same. */
export function requireRoot(command: string): void {
  if (process.geteuid?.() === 0) return;
  throw new UsageError(
    `${command} needs root to attach, format and mount volumes and to start pods; without it only "stowage up --nodes 0 --data-dir DIR" works (API server, controllers and scheduler, no node)`,
  );
}
