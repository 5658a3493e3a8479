import type { ClaimFixture, VolumeFixture } from '../fixtures.ts';

const mine = { name: 'claim', uid: 'uid-claim' };
const bound = { phase: 'Bound', volumeName: 'pv', bindCompleted: true };
const elsewhere = { ...bound, volumeName: 'other-pv' };
const external = { 'pv.kubernetes.io/provisioned-by': 'disk.example.com' };
const migrated = { 'pv.kubernetes.io/migrated-to': 'disk.example.com' };
const inTree = { 'pv.kubernetes.io/provisioned-by': 'kubernetes.io/host-path' };

export interface VolumeCase {
  readonly name: string;
  readonly volume: VolumeFixture;
  readonly claim?: ClaimFixture;
  /** The server has the claim, the cache has not, or has its predecessor. */
  readonly uncached?: ClaimFixture;
  readonly expect?: VolumeFixture;
  readonly events?: readonly string[];
  readonly wakes?: boolean;
}

/** What becomes of a volume where no plugin is needed: upstream's 4-…, of 6-…, 8-… and 14-… what fits. */
export const releaseCases: readonly VolumeCase[] = [
  { name: '4-1 a new volume is Available', volume: { phase: '' }, expect: { phase: 'Available' } },
  {
    name: '4-2 a reserved volume is Available',
    volume: { phase: '', claim: { name: 'claim' } },
    expect: { phase: 'Available', claim: { name: 'claim' } },
  },
  {
    name: '4-3 a volume without its claim is Released',
    volume: { phase: 'Bound', claim: mine },
    expect: { phase: 'Released', claim: mine },
  },
  {
    name: '4-4 a volume whose claim was replaced by a namesake is Released',
    volume: { phase: 'Bound', claim: mine },
    claim: { uid: 'younger' },
    expect: { phase: 'Released', claim: mine },
  },
  {
    name: '4-5 a half-bound volume leaves the rest to its claim',
    volume: { claim: mine, boundByController: true },
    claim: {},
    wakes: true,
  },
  {
    name: '4-5 so does one that its maker bound',
    volume: { phase: 'Bound', claim: mine },
    claim: {},
    wakes: true,
  },
  {
    name: '4-6 a volume whose claim is bound to it is Bound',
    volume: { claim: mine },
    claim: bound,
    expect: { phase: 'Bound', claim: mine },
  },
  {
    name: '4-7 a volume whose claim the controller bound elsewhere is free again',
    volume: { phase: 'Bound', claim: mine, boundByController: true },
    claim: elsewhere,
    expect: {},
  },
  {
    name: '4-8 a volume that its maker reserved stays reserved when the claim is bound elsewhere',
    volume: { phase: 'Bound', claim: mine },
    claim: elsewhere,
    expect: { claim: { name: 'claim' } },
  },
  {
    name: '4-9 so is one with policy Delete, and its data stays',
    volume: { claim: mine, policy: 'Delete' },
    claim: bound,
    expect: { phase: 'Bound', claim: mine, policy: 'Delete' },
  },
  {
    name: '8-12 the second volume that was provisioned for a claim is Released for its provisioner',
    volume: { phase: 'Bound', claim: mine, policy: 'Delete', annotations: external },
    claim: elsewhere,
    expect: { phase: 'Released', claim: mine, policy: 'Delete', annotations: external },
  },
  {
    name: '8-10-3 a volume that was migrated is left to its driver',
    volume: { phase: 'Bound', claim: mine, policy: 'Delete', annotations: migrated },
    expect: { phase: 'Released', claim: mine, policy: 'Delete', annotations: migrated },
  },
  {
    name: '14-14-1 so does one with a file system',
    volume: { claim: mine },
    claim: {},
    wakes: true,
  },
  {
    name: '14-14 a half-bound volume of the right volumeMode leaves the rest to its claim',
    volume: { claim: mine, volumeMode: 'Block' },
    claim: { volumeMode: 'Block' },
    wakes: true,
  },
  {
    name: '4-11 the claim that only the server knows counts',
    volume: { phase: 'Bound', claim: mine },
    uncached: bound,
  },
  {
    name: '4-12 the claim that the server knows better counts',
    volume: { phase: 'Bound', claim: mine },
    claim: { ...bound, uid: 'elder' },
    uncached: bound,
  },
  {
    name: 'a Released volume with policy Retain keeps its data and its claimRef',
    volume: { phase: 'Released', claim: mine },
  },
  {
    name: 'a Failed volume stays Failed to be seen',
    volume: { phase: 'Failed', claim: mine, policy: 'Recycle' },
  },
  {
    name: '6-3 no recycler: Failed',
    volume: { phase: 'Bound', claim: mine, policy: 'Recycle' },
    expect: { phase: 'Failed', claim: mine, policy: 'Recycle' },
    events: ['VolumeFailedRecycle: No recycler plugin found for the volume!'],
  },
  {
    name: '4-10, 8-3 no deleter: Failed',
    volume: { phase: 'Bound', claim: mine, policy: 'Delete' },
    expect: { phase: 'Failed', claim: mine, policy: 'Delete' },
    events: [
      'VolumeFailedDelete: error getting deleter volume plugin for volume "pv": no volume plugin matched',
    ],
  },
  {
    name: 'no deleter of the provisioner that made it: Failed',
    volume: {
      phase: 'Bound',
      claim: mine,
      policy: 'Delete',
      annotations: inTree,
      finalizers: ['kubernetes.io/pv-controller'],
    },
    expect: {
      phase: 'Failed',
      claim: mine,
      policy: 'Delete',
      annotations: inTree,
      finalizers: ['kubernetes.io/pv-controller'],
    },
    events: ['VolumeFailedDelete: no volume plugin matched name: kubernetes.io/host-path'],
  },
  {
    name: '8-10-1 the deleter is external: Released',
    volume: { phase: 'Bound', claim: mine, policy: 'Delete', annotations: external },
    expect: { phase: 'Released', claim: mine, policy: 'Delete', annotations: external },
  },
  {
    name: '8-10-2 a CSI volume made by hand is left to its driver',
    volume: { phase: 'Bound', claim: mine, policy: 'Delete', driver: 'disk.example.com' },
    expect: { phase: 'Released', claim: mine, policy: 'Delete', driver: 'disk.example.com' },
  },
  {
    name: '6-10 an unknown policy: Failed',
    volume: { phase: 'Bound', claim: mine, policy: 'Shred' },
    expect: { phase: 'Failed', claim: mine, policy: 'Shred' },
    events: ['VolumeUnknownReclaimPolicy: Volume has unrecognized PersistentVolumeReclaimPolicy'],
  },
  ...(
    [
      ['14-13', undefined],
      ['14-13-1', 'Block'],
    ] as const
  ).map(([number, volumeMode]) => ({
    name: `${number} a ${volumeMode ?? 'Filesystem'} volume reserved for a claim of the other volumeMode tells both`,
    volume: { claim: mine, volumeMode },
    claim: { volumeMode: volumeMode ? undefined : 'Block' },
    events: [
      'VolumeMismatch: Cannot bind PersistentVolume to requested PersistentVolumeClaim "claim" due to incompatible volumeMode.',
      'VolumeMismatch: Cannot bind PersistentVolume "pv" to requested PersistentVolumeClaim due to incompatible volumeMode.',
    ],
  })),
];
