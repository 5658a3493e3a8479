import type { Container, Pod, Stored } from '../../kube/index.ts';
import type { UserTables } from '../images/index.ts';
import { type ContainerSecurity, DEFAULT_CAPABILITIES } from '../runtime/index.ts';
import { formatPod } from './names.ts';
import { type ImageUser, memberGroups, primaryGroup } from './users.ts';

/**
 * As whom a container runs: its own securityContext before the pod's, and then what its image says.
 * @throws Error when runAsNonRoot forbids the user.
 */
export function containerSecurity(
  pod: Stored<Pod>,
  container: Container,
  users: UserTables,
  image: ImageUser = { uid: 0 },
  volumeGroups: readonly number[] = [],
): ContainerSecurity {
  const own = container.securityContext;
  const shared = pod.spec?.securityContext;
  verifyRunAsNonRoot(pod, container, image);
  const asked = own?.runAsUser ?? shared?.runAsUser;
  const uid = asked ?? image.uid;
  const imageGid = asked === undefined ? image.gid : undefined;
  const groups = [...(shared?.supplementalGroups ?? []), ...volumeGroups];
  if (shared?.fsGroup !== undefined) groups.push(shared.fsGroup);
  if (shared?.supplementalGroupsPolicy !== 'Strict') groups.push(...memberGroups(users, uid));
  return {
    uid,
    gid: own?.runAsGroup ?? shared?.runAsGroup ?? imageGid ?? primaryGroup(users, uid),
    supplementalGroups: [...new Set(groups)],
    capabilities: capabilities(own),
    noNewPrivileges: own?.allowPrivilegeEscalation === false && !own.privileged,
    readOnlyRootFilesystem: own?.readOnlyRootFilesystem ?? false,
  };
}

/** The kubelet's verifyRunAsNonRoot, and its words. */
function verifyRunAsNonRoot(pod: Stored<Pod>, container: Container, image: ImageUser): void {
  const own = container.securityContext;
  const shared = pod.spec?.securityContext;
  if (!(own?.runAsNonRoot ?? shared?.runAsNonRoot)) return;
  const where = `(pod: ${JSON.stringify(formatPod(pod))}, container: ${container.name})`;
  const asked = own?.runAsUser ?? shared?.runAsUser;
  if (asked === 0) throw new Error(`container's runAsUser breaks non-root policy ${where}`);
  if (asked !== undefined) return;
  if (image.name !== undefined)
    throw new Error(
      `container has runAsNonRoot and image has non-numeric user (${image.name}), cannot verify user is non-root ${where}`,
    );
  if (image.uid === 0) throw new Error(`container has runAsNonRoot and image will run as root ${where}`);
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
