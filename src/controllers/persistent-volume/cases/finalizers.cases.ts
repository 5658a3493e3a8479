import type { VolumeCase } from './release.cases.ts';

const ours = 'kubernetes.io/pv-controller';
const external = 'external-provisioner.volume.kubernetes.io/finalizer';
const others = 'example.com/keep';
const madeBy = (provisioner: string) => ({ 'pv.kubernetes.io/provisioned-by': provisioner });
const inTree = madeBy('kubernetes.io/host-path');
const byDriver = madeBy('disk.example.com');
const migrated = madeBy('kubernetes.io/gce-pd');
const migratedTo = (driver: string) => ({ 'pv.kubernetes.io/migrated-to': driver });
const toDriver = { ...migrated, ...migratedTo('pd.csi.storage.gke.io') };

/**
 * Who keeps a volume until its data is deleted: upstream's TestModifyDeletionFinalizers and
 * TestAnnealMigrationAnnotations, and 5-9.
 */
export const finalizerCases: readonly VolumeCase[] = [
  {
    name: 'F13-1 a volume of a driver keeps the finalizer of its provisioner',
    volume: { policy: 'Delete', driver: 'disk.example.com', annotations: byDriver, finalizers: [external] },
  },
  {
    name: 'F13-2 and gets none from here',
    volume: { policy: 'Delete', driver: 'disk.example.com', annotations: byDriver },
  },
  {
    name: 'F13-3 a volume made in-tree with policy Delete is kept, beside what others keep it for',
    volume: { policy: 'Delete', annotations: inTree, finalizers: [others] },
    expect: { policy: 'Delete', annotations: inTree, finalizers: [others, ours] },
  },
  {
    name: 'F13-4 a volume made in-tree with policy Delete is kept',
    volume: { policy: 'Delete', annotations: inTree },
    expect: { policy: 'Delete', annotations: inTree, finalizers: [ours] },
  },
  {
    name: 'F13-5, F13-8 by us, no longer by the provisioner of a driver',
    volume: { policy: 'Delete', annotations: inTree, finalizers: [external] },
    expect: { policy: 'Delete', annotations: inTree, finalizers: [ours] },
  },
  {
    name: 'F13-6, F13-9 and still by others',
    volume: { policy: 'Delete', annotations: inTree, finalizers: [external, others] },
    expect: { policy: 'Delete', annotations: inTree, finalizers: [others, ours] },
  },
  {
    name: 'F13-7 a volume whose plugin was migrated is kept by the driver alone',
    volume: { policy: 'Delete', annotations: toDriver, finalizers: [external, ours] },
    expect: { policy: 'Delete', annotations: toDriver, finalizers: [external] },
  },
  {
    name: 'F13-10 a volume made by hand keeps what it has',
    volume: { policy: 'Delete', finalizers: [external] },
  },
  { name: 'F13-11, F13-15 and gets nothing', volume: { policy: 'Delete' } },
  { name: 'F13-12 nor does one that is to be retained', volume: { annotations: inTree } },
  { name: 'F13-13 or recycled', volume: { policy: 'Recycle', annotations: inTree } },
  {
    name: 'F13-14 a volume made in-tree whose policy became Retain need not be kept',
    volume: { annotations: inTree, finalizers: [ours, others] },
    expect: { annotations: inTree, finalizers: [others] },
  },
  {
    name: '5-9 a volume is taken back from a driver that does not work for its plugin',
    volume: {
      policy: 'Delete',
      annotations: { ...inTree, ...migratedTo('pd.csi.storage.gke.io') },
      finalizers: [external],
    },
    expect: { policy: 'Delete', annotations: inTree, finalizers: [ours] },
  },
  {
    name: 'a volume whose plugin was migrated says to whom',
    volume: { policy: 'Delete', annotations: migrated },
    expect: { policy: 'Delete', annotations: toDriver },
  },
  {
    name: 'a volume made by hand says nothing of it',
    volume: { annotations: migratedTo('disk.example.com') },
  },
];
