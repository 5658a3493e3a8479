import type { Container, Pod, Stored } from '../../kube/index.ts';
import { type ContainerSecurity, DEFAULT_CAPABILITIES } from '../runtime/index.ts';
import { formatPod } from './names.ts';

/**
 * As whom a container runs: its own securityContext before the pod's. `groupOf` is the primary group of a user by
 * /etc/passwd, which an unset runAsGroup means.
 * @throws Error when runAsNonRoot forbids the user.
 */
export function containerSecurity(
  pod: Stored<Pod>,
  container: Container,
  groupOf: (uid: number) => number,
): ContainerSecurity {
  const own = container.securityContext;
  const shared = pod.spec?.securityContext;
  const uid = own?.runAsUser ?? shared?.runAsUser ?? 0;
  if ((own?.runAsNonRoot ?? shared?.runAsNonRoot) && uid === 0) {
    const asked = own?.runAsUser ?? shared?.runAsUser;
    const why =
      asked === undefined
        ? 'container has runAsNonRoot and image will run as root'
        : "container's runAsUser breaks non-root policy";
    throw new Error(`${why} (pod: ${JSON.stringify(formatPod(pod))}, container: ${container.name})`);
  }
  const groups = [...(shared?.supplementalGroups ?? [])];
  if (shared?.fsGroup !== undefined) groups.push(shared.fsGroup);
  return {
    uid,
    gid: own?.runAsGroup ?? shared?.runAsGroup ?? groupOf(uid),
    supplementalGroups: [...new Set(groups)],
    capabilities: capabilities(own),
    noNewPrivileges: own?.allowPrivilegeEscalation === false && !own.privileged,
    readOnlyRootFilesystem: own?.readOnlyRootFilesystem ?? false,
  };
}

function capabilities(context: Container['securityContext']): readonly string[] {
  if (context?.privileged) return ['all'];
  const plain = (names: readonly string[] | undefined) =>
    (names ?? []).map((name) => name.toLowerCase().replace(/^cap_/, ''));
  const add = plain(context?.capabilities?.add);
  const drop = plain(context?.capabilities?.drop);
  if (add.includes('all') && drop.length === 0) return ['all'];
  const kept = drop.includes('all') ? [] : DEFAULT_CAPABILITIES.filter((name) => !drop.includes(name));
  return [...new Set([...kept, ...add.filter((name) => name !== 'all')])].sort();
}

/** The primary group of a user in passwd(5) text; 0 when the user is not in it. */
export function primaryGroup(passwd: string, uid: number): number {
  for (const line of passwd.split('\n')) {
    const fields = line.split(':');
    if (fields[2] === String(uid)) return Number(fields[3]);
  }
  return 0;
}

/** The home directory of a user in passwd(5) text; / when the user is not in it. */
export function homeDirectory(passwd: string, uid: number): string {
  for (const line of passwd.split('\n')) {
    const fields = line.split(':');
    if (fields[2] === String(uid)) return fields[5] || '/';
  }
  return '/';
}
