import type { Host } from '../../host/index.ts';
import type { Pod } from '../../kube/index.ts';
import type { HostFiles } from './container-config.ts';

/** As they are now: users come and go, networks change. */
export async function readHostFiles(host: Pick<Host, 'files' | 'info'>, { spec }: Pod): Promise<HostFiles> {
  const { files } = host;
  const [passwd, group, resolvConf] = await Promise.all([
    files.read('/etc/passwd').catch(() => ''),
    files.read('/etc/group').catch(() => ''),
    files.read('/etc/resolv.conf').catch(() => undefined),
  ]);
  const own = { users: { passwd, group }, resolvConf };
  if (!spec?.hostNetwork) return own;
  return { ...own, hostname: host.info().hostname, hosts: await files.read('/etc/hosts').catch(() => '') };
}
