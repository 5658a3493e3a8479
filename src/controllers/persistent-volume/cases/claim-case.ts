import type { Pod, StorageClass, Stored } from '../../../kube/index.ts';
import type { ClaimFixture, VolumeFixture } from '../fixtures.ts';

/** One sync of the claim `claim`: what is there before, what is there after, what is told. */
export interface ClaimCase {
  /** Begins with upstream's number, where upstream has the case. */
  readonly name: string;
  readonly volumes?: Readonly<Record<string, VolumeFixture>>;
  readonly claim: ClaimFixture;
  readonly pods?: readonly Pod[];
  /** @default the classes of this file */
  readonly classes?: readonly Stored<StorageClass>[];
  /** What changes; objects not named stay as they were. */
  readonly expectVolumes?: Readonly<Record<string, VolumeFixture>>;
  readonly expectClaim?: ClaimFixture;
  readonly events?: readonly string[];
  readonly error?: RegExp;
  /** The next sync goes on from there. @default a second sync changes nothing */
  readonly isFirstStep?: boolean;
}

/** How a volume refers to the claim of a case. */
export const mine = { name: 'claim', uid: 'uid-claim' };
export const byController = { boundByController: true };
export const bound = { phase: 'Bound', volumeName: 'pv', bindCompleted: true };
export const boundByController = { ...bound, boundByController: true };
export const noMatch = ['Normal FailedBinding'];

export const storageClass = (
  name: string,
  more: Partial<Stored<StorageClass>> = {},
): Stored<StorageClass> => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  provisioner: 'disk.example.com',
  ...more,
});

/** A class that is the default, made on a day of January. */
export const defaultClass = (name: string, day: number): Stored<StorageClass> =>
  storageClass(name, {
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      creationTimestamp: `2026-01-0${day}T00:00:00Z`,
      annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
    },
  });

export const classes = [
  storageClass('external'),
  storageClass('wait', { volumeBindingMode: 'WaitForFirstConsumer' }),
  storageClass('by-hand', { provisioner: 'kubernetes.io/no-provisioner' }),
  storageClass('wait-by-hand', {
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  }),
  storageClass('migrated', { provisioner: 'kubernetes.io/gce-pd' }),
];

export const pod = (name: string, claimName: string, nodeName?: string): Pod => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [], nodeName, volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
});
