import { nameSuffix, type Random } from '../../../base/index.ts';
import type { Container, Pod, Volume } from '../../../kube/index.ts';

/** Where clients in a pod look for their credentials (DefaultAPITokenMountPath). */
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const VOLUME_PREFIX = 'kube-api-access-';
const FILE_MODE = 0o644;
/** The odd seconds tell this request from a user's: its token lives on while it is only warned of. */
const EXPIRATION_SECONDS = 60 * 60 + 7;

/** The pod with a token of its account in every container that mounts nothing else there. */
export function mountToken(pod: Pod, random: Random): Pod {
  const spec = pod.spec!;
  // Neither a pod without containers nor a volume without a name has been refused yet.
  if (!spec.containers) return pod;
  const present = spec.volumes?.find(({ name }) => name?.startsWith(VOLUME_PREFIX));
  const name = present?.name ?? `${VOLUME_PREFIX}${nameSuffix(random)}`;
  const mounted = <T extends Container>(containers: readonly T[]) =>
    containers.map((container) => withMount(container, name));
  const containers = mounted(spec.containers);
  const initContainers = spec.initContainers && mounted(spec.initContainers);
  const isUsed =
    containers.some((container, index) => container !== spec.containers[index]) ||
    initContainers?.some((container, index) => container !== spec.initContainers![index]);
  if (!isUsed) return pod;
  return {
    ...pod,
    spec: {
      ...spec,
      containers,
      ...(initContainers && { initContainers }),
      volumes: present ? spec.volumes : [...(spec.volumes ?? []), tokenVolume(name)],
    },
  };
}

function withMount<T extends Container>(container: T, name: string): T {
  const mounts = container.volumeMounts ?? [];
  if (mounts.some(({ mountPath }) => mountPath === MOUNT_PATH)) return container;
  return { ...container, volumeMounts: [...mounts, { name, readOnly: true, mountPath: MOUNT_PATH }] };
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: FILE_MODE,
      sources: [
        { serviceAccountToken: { expirationSeconds: EXPIRATION_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}
