import type { PersistentVolumeClaim, Pod, StatefulSet, StorageClass } from '../kube/index.ts';
import { childSeed, Dice } from './dice.ts';

/** One thing that a user does. */
export type Action =
  | { readonly do: 'claim'; readonly claim: string; readonly storageClass: string; readonly mode: string }
  | { readonly do: 'static'; readonly claim: string; readonly mode: string }
  | { readonly do: 'pod'; readonly pod: string; readonly claim: string; readonly node?: string }
  | { readonly do: 'delete-pod'; readonly pod: string; readonly graceSeconds?: number }
  | { readonly do: 'delete-claim'; readonly claim: string }
  | { readonly do: 'delete-volume'; readonly claim: string }
  | {
      readonly do: 'stateful-set';
      readonly set: string;
      readonly replicas: number;
      readonly storageClass: string;
    }
  | { readonly do: 'scale'; readonly set: string; readonly replicas: number }
  | { readonly do: 'delete-set'; readonly set: string }
  | { readonly do: 'edit-class'; readonly storageClass: string; readonly reclaimPolicy: string };

/** When, in virtual milliseconds since the workload began. */
export interface Step {
  readonly atMs: number;
  readonly action: Action;
}

export const NAMESPACE = 'default';
export const CLASSES: readonly { readonly name: string; readonly volumeBindingMode: string }[] = [
  { name: 'immediate', volumeBindingMode: 'Immediate' },
  { name: 'wait', volumeBindingMode: 'WaitForFirstConsumer' },
];

/** What users do under a seed. The list is the same whatever else happens, so that steps can be left out of it. */
export function drawWorkload(seed: number, options: { steps: number; nodes: readonly string[] }): Step[] {
  const dice = new Dice(childSeed(seed, 'workload'));
  const steps: Step[] = [];
  const claims: string[] = [];
  const pods: { pod: string; claim: string }[] = [];
  const sets: string[] = [];
  let atMs = 2_000;
  let serial = 0;
  const add = (action: Action) => {
    steps.push({ atMs, action });
    atMs += dice.chance(0.25) ? dice.between(0, 50) : dice.delay(1_500);
  };
  const mode = () => (dice.chance(0.25) ? 'ReadWriteOncePod' : 'ReadWriteOnce');
  const storageClass = () => dice.pick(CLASSES).name;
  const aNode = () => (dice.chance(0.3) ? dice.pick(options.nodes) : undefined);
  const newPod = (claim: string) => {
    const pod = `pod-${++serial}`;
    pods.push({ pod, claim });
    add({ do: 'pod', pod, claim, node: aNode() });
  };
  const newClaim = (): string => {
    const claim = `claim-${++serial}`;
    claims.push(claim);
    if (dice.chance(0.15)) add({ do: 'static', claim, mode: mode() });
    else add({ do: 'claim', claim, storageClass: storageClass(), mode: mode() });
    return claim;
  };
  const takePod = () => pods.splice(dice.int(pods.length), 1)[0];
  while (steps.length < options.steps) {
    const draw = dice.int(12);
    if (draw <= 2 || steps.length === 0) newPod(newClaim());
    else if (draw === 3) newClaim();
    else if (draw <= 5 && pods.length > 0) {
      // A pod goes, and perhaps another with its claim comes at once.
      const { pod, claim } = takePod()!;
      add({ do: 'delete-pod', pod, graceSeconds: dice.chance(0.15) ? 0 : undefined });
      if (dice.chance(0.6)) newPod(claim);
    } else if (draw === 6 && pods.length > 0) {
      // Pod, claim and volume in any order.
      const { pod, claim } = takePod()!;
      const three: Action[] = [
        { do: 'delete-pod', pod },
        { do: 'delete-claim', claim },
        { do: 'delete-volume', claim },
      ];
      while (three.length > 0) add(three.splice(dice.int(three.length), 1)[0]!);
    } else if (draw === 7 && claims.length > 0) add({ do: 'delete-claim', claim: dice.pick(claims) });
    else if (draw === 8 && claims.length > 0) add({ do: 'delete-volume', claim: dice.pick(claims) });
    else if (draw === 9 && sets.length < 2) {
      const set = `set-${++serial}`;
      sets.push(set);
      add({ do: 'stateful-set', set, replicas: 1 + dice.int(2), storageClass: storageClass() });
    } else if (draw === 10 && sets.length > 0) {
      if (dice.chance(0.25)) add({ do: 'delete-set', set: sets.splice(dice.int(sets.length), 1)[0]! });
      else add({ do: 'scale', set: dice.pick(sets), replicas: dice.int(4) });
    } else if (draw === 11)
      add({
        do: 'edit-class',
        storageClass: storageClass(),
        reclaimPolicy: dice.pick(['Delete', 'Retain']),
      });
  }
  return steps.slice(0, options.steps);
}

export function classObject(name: string, reclaimPolicy: string, provisioner: string): StorageClass {
  const volumeBindingMode = CLASSES.find((one) => one.name === name)!.volumeBindingMode;
  return { metadata: { name }, provisioner, reclaimPolicy, volumeBindingMode } as StorageClass;
}

export function claimObject(name: string, mode: string, storageClassName: string): PersistentVolumeClaim {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: { storageClassName, accessModes: [mode], resources: { requests: { storage: '8Mi' } } },
  };
}

export function podObject(name: string, claimName: string, node: string | undefined): Pod {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      ...podSpec('data'),
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
      ...(node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } }),
    },
  };
}

export function setObject(name: string, replicas: number, storageClassName: string): StatefulSet {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      replicas,
      serviceName: name,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: { set: name } },
      template: { metadata: { labels: { set: name } }, spec: podSpec('data') },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: {
            storageClassName,
            accessModes: ['ReadWriteOnce'],
            resources: { requests: { storage: '8Mi' } },
          },
        },
      ],
    },
  } as StatefulSet;
}

function podSpec(volume: string) {
  return {
    terminationGracePeriodSeconds: 5,
    containers: [
      {
        name: 'main',
        image: 'none',
        command: ['sleep', 'infinity'],
        volumeMounts: [{ name: volume, mountPath: '/data' }],
      },
    ],
  };
}
