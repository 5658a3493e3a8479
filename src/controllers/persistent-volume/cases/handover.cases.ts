import {
  boundByController,
  byController,
  type ClaimCase,
  defaultClass,
  mine,
  noMatch,
  pod,
  storageClass,
} from './claim-case.ts';

/** Claims without a volume that fits: upstream's 11-… as far as no plugin is needed, 15-…. */
export const handoverCases: readonly ClaimCase[] = [
  {
    name: '11-2, 11-18 cannot be provisioned by an in-tree provisioner without plugin',
    claim: { className: 'by-hand' },
    events: ['Warning ProvisioningFailed'],
  },
  { name: '11-15 is not provisioned with the empty class', claim: { className: '' }, events: noMatch },
  { name: '11-16 nor without a class', claim: { className: null }, events: noMatch },
  {
    name: '11-14 cannot be provisioned by a class that is not there',
    claim: { className: 'none' },
    events: ['Warning ProvisioningFailed'],
  },
  {
    name: '11-17 is handed to the external provisioner',
    claim: { className: 'external' },
    expectClaim: {
      className: 'external',
      annotations: {
        'volume.beta.kubernetes.io/storage-provisioner': 'disk.example.com',
        'volume.kubernetes.io/storage-provisioner': 'disk.example.com',
      },
    },
    events: ['Normal ExternalProvisioning'],
  },
  {
    name: '11-22 takes a volume that is there before it asks for one',
    volumes: { pv: { className: 'external' } },
    claim: { className: 'external' },
    expectVolumes: { pv: { className: 'external', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...boundByController, className: 'external' },
  },
  {
    name: '11-24 asks for a volume once a node is selected, and takes no free one',
    volumes: { free: { className: 'wait' } },
    claim: { className: 'wait', annotations: { 'volume.kubernetes.io/selected-node': 'n1' } },
    expectClaim: {
      className: 'wait',
      annotations: {
        'volume.kubernetes.io/selected-node': 'n1',
        'volume.beta.kubernetes.io/storage-provisioner': 'disk.example.com',
        'volume.kubernetes.io/storage-provisioner': 'disk.example.com',
      },
    },
    events: ['Normal ExternalProvisioning'],
  },
  {
    name: 'tells which pod it waits for',
    claim: { className: 'wait' },
    pods: [pod('a', 'claim'), pod('b', 'other'), pod('c', 'claim', 'n1')],
    events: ['Normal WaitForPodScheduled'],
  },
  {
    // Upstream's test has a translator that takes the driver's name, too, for a plugin's; the real one does not.
    name: '11-21 is handed to the CSI driver that the in-tree provisioner was migrated to',
    claim: { className: 'migrated' },
    expectClaim: {
      className: 'migrated',
      annotations: {
        'volume.beta.kubernetes.io/storage-provisioner': 'pd.csi.storage.gke.io',
        'volume.kubernetes.io/storage-provisioner': 'pd.csi.storage.gke.io',
      },
    },
    events: ['Normal ExternalProvisioning'],
  },
  {
    name: '11-26 is handed over with its data source',
    claim: { className: 'external', dataSource: 'snap' },
    expectClaim: {
      className: 'external',
      dataSource: 'snap',
      annotations: {
        'volume.beta.kubernetes.io/storage-provisioner': 'disk.example.com',
        'volume.kubernetes.io/storage-provisioner': 'disk.example.com',
      },
    },
    events: ['Normal ExternalProvisioning'],
  },
  { name: '15-1 gets no class when none is the default', claim: { className: null }, events: noMatch },
  {
    name: '15-2 gets the newest of several default classes',
    claim: { className: null },
    classes: [defaultClass('old', 1), defaultClass('new', 2)],
    expectClaim: { className: 'new' },
    isFirstStep: true,
  },
  {
    name: '15-3 gets no class when it is bound',
    claim: { ...boundByController, className: null },
    classes: [defaultClass('gold', 1)],
    expectClaim: { ...boundByController, className: null, phase: 'Lost' },
    events: ['Warning ClaimLost'],
  },
  {
    name: '15-4 gets no class when it names a volume',
    claim: { phase: 'Bound', volumeName: 'pv', className: null },
    classes: [defaultClass('gold', 1)],
    expectClaim: { volumeName: 'pv', className: null },
  },
  {
    name: '15-5 gets the default class',
    claim: { className: null },
    classes: [defaultClass('gold', 1), storageClass('silver')],
    expectClaim: { className: 'gold' },
    isFirstStep: true,
  },
  {
    name: '15-6 keeps its class',
    claim: { className: 'by-hand' },
    classes: [defaultClass('gold', 1), storageClass('by-hand', { provisioner: 'kubernetes.io/none' })],
    events: ['Warning ProvisioningFailed'],
  },
  {
    name: '15-7 keeps the class of the beta annotation',
    claim: { className: null, annotations: { 'volume.beta.kubernetes.io/storage-class': 'absent' } },
    classes: [defaultClass('gold', 1)],
    events: ['Warning ProvisioningFailed'],
  },
  {
    name: 'keeps the empty class',
    claim: { className: '' },
    classes: [defaultClass('gold', 1)],
    events: noMatch,
  },
];
