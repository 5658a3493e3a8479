import type { Pod } from '../../../kube/index.ts';
import { VolumeInUseError } from '../../../volume/index.ts';
import type { ClaimFixture, VolumeFixture } from '../fixtures.ts';

const mine = { name: 'claim', uid: 'uid-claim' };
const inTree = { 'pv.kubernetes.io/provisioned-by': 'example' };
export const recycle = { phase: 'Bound', claim: mine, policy: 'Recycle' };
const remove = { phase: 'Bound', claim: mine, policy: 'Delete' };
const pod = (phase: string): Pod => ({
  metadata: { name: 'user', namespace: 'default' },
  spec: { containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'claim' } }] },
  status: { phase },
});

export interface ReclaimCase {
  readonly name: string;
  readonly volume: VolumeFixture;
  readonly claim?: ClaimFixture;
  readonly pods?: readonly Pod[];
  /** What deleting or recycling comes to, call by call. @default it goes well */
  readonly outcomes?: readonly (Error | undefined)[];
  /** What becomes of the volume between the decision and the operation; null: it is deleted. */
  readonly meanwhile?: VolumeFixture | null;
  /** `null`: it is gone. */
  readonly expect: VolumeFixture | null;
  /** Why it cannot even be told how the volume would be scrubbed. */
  readonly sourceError?: string;
  readonly events?: readonly string[];
  /** How often the plugin was called. @default 1 */
  readonly calls?: number;
}

/** The cases of upstream's recycle_test and delete_test that have a plugin, under upstream's numbers. */
export const reclaimCases: readonly ReclaimCase[] = [
  {
    name: '6-1 a scrubbed volume is Available',
    volume: { ...recycle, boundByController: true },
    expect: { policy: 'Recycle' },
    events: ['VolumeRecycled: Volume recycled'],
  },
  {
    name: '6-2 a scrubbed volume that its maker reserved stays reserved',
    volume: recycle,
    expect: { policy: 'Recycle', claim: { name: 'claim' } },
    events: ['VolumeRecycled: Volume recycled'],
  },
  {
    name: '6-4 a volume for which no recycler can be made is Failed',
    volume: recycle,
    sourceError: 'no source',
    expect: { ...recycle, phase: 'Failed' },
    events: ['VolumeFailedRecycle: Recycle failed: no source'],
    calls: 0,
  },
  {
    name: '6-5 a volume that cannot be scrubbed is Failed',
    volume: recycle,
    outcomes: [new Error('failed to recycle volume: no')],
    expect: { ...recycle, phase: 'Failed' },
    events: ['VolumeFailedRecycle: Recycle failed: failed to recycle volume: no'],
  },
  {
    name: '6-6 a volume that went meanwhile is not scrubbed',
    volume: recycle,
    meanwhile: null,
    expect: null,
    calls: 0,
  },
  {
    name: '6-7 a volume that is free meanwhile is not scrubbed',
    volume: { ...recycle, boundByController: true },
    meanwhile: { policy: 'Recycle' },
    expect: { policy: 'Recycle' },
    calls: 0,
  },
  {
    name: '6-8 a reserved volume that is free meanwhile is not scrubbed',
    volume: recycle,
    meanwhile: { policy: 'Recycle', claim: { name: 'claim' } },
    expect: { policy: 'Recycle', claim: { name: 'claim' } },
    calls: 0,
  },
  {
    name: '6-9 a volume whose claim was made anew is scrubbed',
    volume: recycle,
    claim: { uid: 'younger', size: '10Gi' },
    expect: { policy: 'Recycle', claim: { name: 'claim' } },
    events: ['VolumeRecycled: Volume recycled'],
  },
  ...[
    ['6-11', 'Running'],
    ['6-12', 'Pending'],
  ].map(([number, phase]) => ({
    name: `${number} a volume that a ${phase} pod names waits for it`,
    volume: { ...recycle, boundByController: true },
    pods: [pod(phase!)],
    expect: { ...recycle, phase: 'Released', boundByController: true },
    events: ['VolumeFailedRecycle: Volume is used by pods: default/user'],
    calls: 0,
  })),
  {
    name: '6-13 a pod that is done holds nothing up',
    volume: { ...recycle, boundByController: true },
    pods: [pod('Succeeded')],
    expect: { policy: 'Recycle' },
    events: ['VolumeRecycled: Volume recycled'],
  },
  {
    name: '6-14 nor does a pod of the claim that took the name',
    volume: { ...recycle, boundByController: true },
    claim: { uid: 'younger', phase: 'Bound', volumeName: 'other' },
    pods: [pod('Running')],
    expect: { policy: 'Recycle' },
    events: ['VolumeRecycled: Volume recycled'],
  },
  {
    name: 'a Failed volume volume is scrubbed at the next try',
    volume: { ...recycle, phase: 'Failed' },
    expect: { policy: 'Recycle', claim: { name: 'claim' } },
    events: ['VolumeRecycled: Volume recycled'],
  },
  { name: '8-1 a deleted volume is gone', volume: { ...remove, boundByController: true }, expect: null },
  { name: '8-2 so is one that its maker reserved', volume: remove, expect: null },
  {
    name: '8-4, 8-5 a volume that cannot be deleted is Failed',
    volume: remove,
    outcomes: [new Error('no')],
    expect: { ...remove, phase: 'Failed' },
    events: ['VolumeFailedDelete: no'],
  },
  {
    name: 'a volume that is in use waits, and does not fail',
    volume: remove,
    outcomes: [new VolumeInUseError('wait')],
    expect: { ...remove, phase: 'Released' },
    events: ['VolumeDelete: wait'],
  },
  { name: '8-6 a volume that went meanwhile', volume: remove, meanwhile: null, expect: null, calls: 0 },
  {
    name: '8-7 a volume that is bound meanwhile is not deleted',
    volume: remove,
    claim: { uid: 'younger' },
    meanwhile: { ...remove, claim: { name: 'claim', uid: 'younger' } },
    expect: { ...remove, claim: { name: 'claim', uid: 'younger' } },
    calls: 0,
  },
  {
    name: '8-9 a volume whose claim was made anew is deleted',
    volume: remove,
    claim: { uid: 'younger', size: '10Gi' },
    expect: null,
  },
  {
    name: '8-11 the second volume made for a claim is deleted',
    volume: { ...remove, annotations: inTree },
    claim: { phase: 'Bound', volumeName: 'other', bindCompleted: true },
    expect: null,
  },
  {
    name: '8-13 a volume that is being deleted is let go once its data is deleted',
    volume: { ...remove, annotations: inTree, finalizers: ['kubernetes.io/pv-controller'], deleting: true },
    expect: null,
  },
  {
    name: 'a finalizer of others stays',
    volume: {
      ...remove,
      annotations: inTree,
      finalizers: ['kubernetes.io/pv-controller', 'example.com/keep'],
    },
    expect: {
      ...remove,
      phase: 'Released',
      annotations: inTree,
      finalizers: ['example.com/keep'],
      deleting: true,
    },
  },
  {
    name: 'a Failed volume is deleted at the next try',
    volume: { ...remove, phase: 'Failed' },
    expect: null,
  },
];
