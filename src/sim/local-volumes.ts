import { NO_PROVISIONER, type PersistentVolume, type StorageClass, type Stored } from '../kube/index.ts';
import type { Step } from './actions.ts';
import type { Dice } from './dice.ts';
import type { Setting } from './setting.ts';

/** The class of directories that nodes have, which nobody makes: the scheduler chooses among them. */
export const LOCAL_CLASS = 'local';
const HOSTNAME = 'kubernetes.io/hostname';

export const localClass: StorageClass = {
  metadata: { name: LOCAL_CLASS },
  provisioner: NO_PROVISIONER,
  volumeBindingMode: 'WaitForFirstConsumer',
};

export const localPath = (volume: string) => `/local/${volume}`;

export function localVolumeObject(volume: string, node: string): PersistentVolume {
  const terms = [{ matchExpressions: [{ key: HOSTNAME, operator: 'In' as const, values: [node] }] }];
  return {
    metadata: { name: volume },
    spec: {
      storageClassName: LOCAL_CLASS,
      capacity: { storage: '8Mi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      local: { path: localPath(volume) },
      nodeAffinity: { required: { nodeSelectorTerms: terms } },
    },
  };
}

/** The node that has a local volume; undefined: it is no local volume. */
export function nodeOfLocal({ spec }: PersistentVolume): string | undefined {
  if (!spec?.local) return undefined;
  return spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values?.[0];
}

/** Whether the node has as many free local volumes as these claims of one pod, still without any, need together. */
export function hasLocalVolumesFor(
  claims: readonly string[],
  node: string,
  volumes: Iterable<Stored<PersistentVolume>>,
): boolean {
  let free = 0;
  for (const volume of volumes) {
    const { phase } = volume.status ?? {};
    const holder = volume.spec?.claimRef?.name;
    const isFree = phase === 'Available' && (holder === undefined || claims.includes(holder));
    if (isFree && !volume.metadata.deletionTimestamp && nodeOfLocal(volume) === node) free++;
  }
  return free >= claims.length;
}

/**
 * The steps, and more: now and then directories of nodes, fewer than could be used or more, claims that wait for a pod, and
 * pods that come to have one of them or two, here or there. Drawn apart, so that nothing else depends on it.
 */
export function withLocalVolumes(steps: readonly Step[], dice: Dice, { nodes }: Setting): Step[] {
  if (!dice.chance(0.1)) return [...steps];
  const more: Step[] = [];
  let atMs = dice.between(2_000, 10_000);
  const add = (action: Step['action']) => {
    more.push({ atMs, action });
    atMs += dice.chance(0.4) ? dice.between(0, 50) : dice.between(100, 10_000);
  };
  const claims = ['local-claim-1', 'local-claim-2'].slice(0, 1 + dice.int(2));
  const begin = [
    ...nodes.flatMap((node, at) =>
      Array.from(
        { length: dice.int(3) },
        (_, of) => ({ do: 'local', volume: `local-${at}-${of}`, node }) as const,
      ),
    ),
    ...claims.map(
      (claim) => ({ do: 'claim', claim, storageClass: LOCAL_CLASS, modes: ['ReadWriteOnce'] }) as const,
    ),
  ];
  while (begin.length > 0) add(begin.splice(dice.int(begin.length), 1)[0]!);
  for (let pods = 1 + dice.int(3), at = 1; at <= pods; at++) {
    const pod = `local-pod-${at}`;
    const node = dice.chance(0.3) ? dice.pick(nodes) : undefined;
    add({ do: 'pod', pod, claims: dice.chance(0.5) ? claims : [dice.pick(claims)], extras: [], node });
    if (dice.chance(0.6)) add({ do: 'delete-pod', pod });
  }
  if (dice.chance(0.3)) add({ do: 'delete-claim', claim: dice.pick(claims) });
  if (dice.chance(0.2)) add({ do: 'delete-volume', claim: dice.pick(claims) });
  return [...steps, ...more];
}
