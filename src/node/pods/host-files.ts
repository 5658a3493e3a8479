import type { Host } from '../../host/index.ts';
import type { HostFiles } from './container-config.ts';

/** As they are now: users come and go, networks change. */
export async function readHostFiles({ files }: Pick<Host, 'files'>): Promise<HostFiles> {
  const [passwd, group, resolvConf] = await Promise.all([
    files.read('/etc/passwd').catch(() => ''),
    files.read('/etc/group').catch(() => ''),
    files.read('/etc/resolv.conf').catch(() => undefined),
  ]);
  return { users: { passwd, group }, resolvConf };
}
