import { bound, boundByController, byController, type ClaimCase, mine, noMatch } from './claim-case.ts';

/** Upstream's numbers of the cases below, for Filesystem and for Block. */
const NUMBERS = [
  ['14-2', '14-4', '14-8', '14-8-1', '14-12', '14-11'],
  ['14-1', '14-3', 'also:', 'also:', '14-7, 14-10', '14-9'],
];

/** Classes and volume modes: upstream's 13-… and 14-…. */
export const classAndModeCases: readonly ClaimCase[] = [
  {
    name: '13-2 takes a volume without a class when it asks for none',
    volumes: { gold: { className: 'gold' }, pv: { size: '10Gi' } },
    claim: {},
    expectVolumes: { pv: { size: '10Gi', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...boundByController, capacity: '10Gi' },
  },
  {
    name: '13-5 so does a claim that says nothing of a class',
    volumes: { pv: {} },
    claim: { className: null },
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...boundByController, className: null },
  },
  {
    name: '13-1 takes a volume of its class',
    volumes: { none: {}, pv: { className: 'by-hand', size: '10Gi' }, silver: { className: 'silver' } },
    claim: { className: 'by-hand' },
    expectVolumes: {
      pv: { className: 'by-hand', size: '10Gi', claim: mine, phase: 'Bound', ...byController },
    },
    expectClaim: { ...boundByController, className: 'by-hand', capacity: '10Gi' },
  },
  {
    name: '13-3 takes a volume of its class, though one of another class is smaller',
    volumes: { silver: { className: 'silver' }, pv: { className: 'gold', size: '10Gi' } },
    claim: { className: 'gold' },
    expectVolumes: { pv: { className: 'gold', size: '10Gi', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...boundByController, className: 'gold', capacity: '10Gi' },
  },
  {
    name: '13-4 takes a volume without a class when it asks for the empty one',
    volumes: { pv: {} },
    claim: { className: '' },
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: boundByController,
  },
  {
    name: 'takes a volume of the class in the beta annotation',
    volumes: { pv: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'gold' } } },
    claim: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'gold' } },
    expectVolumes: {
      pv: {
        annotations: { 'volume.beta.kubernetes.io/storage-class': 'gold' },
        claim: mine,
        phase: 'Bound',
        ...byController,
      },
    },
    expectClaim: {
      ...boundByController,
      annotations: { 'volume.beta.kubernetes.io/storage-class': 'gold' },
    },
  },
  ...[undefined, 'Block'].flatMap((volumeMode, index): ClaimCase[] => {
    const what = volumeMode ?? 'Filesystem';
    const other = volumeMode ? 'Filesystem' : 'Block';
    const [takes, refuses, refusesNamed, refusesReserved, takesReserved, takesNamed] = NUMBERS[index]!;
    return [
      {
        name: `${takes} takes a ${what} volume and leaves others`,
        volumes: { other: { volumeMode: other }, pv: { volumeMode } },
        claim: { volumeMode },
        expectVolumes: { pv: { volumeMode, claim: mine, phase: 'Bound', ...byController } },
        expectClaim: { ...boundByController, volumeMode },
      },
      {
        name: `${refuses} does not take a ${other} volume for a ${what} claim`,
        volumes: { pv: { volumeMode: other } },
        claim: { volumeMode },
        events: noMatch,
      },
      {
        name: `${refusesNamed} a ${what} claim does not bind to the ${other} volume that it names`,
        volumes: { pv: { volumeMode: other } },
        claim: { volumeMode, volumeName: 'pv' },
        events: ['Warning VolumeMismatch'],
      },
      {
        name: `${refusesReserved} nor to the one that is reserved for it`,
        volumes: { pv: { volumeMode: other, claim: { name: 'claim' } } },
        claim: { volumeMode },
        events: noMatch,
      },
      {
        name: `${takesReserved} takes a ${what} volume that is reserved for it`,
        volumes: { pv: { volumeMode, claim: { name: 'claim' } } },
        claim: { volumeMode },
        expectVolumes: { pv: { volumeMode, claim: mine, phase: 'Bound' } },
        expectClaim: { ...boundByController, volumeMode },
      },
      {
        name: `${takesNamed} binds to the ${what} volume that it names`,
        volumes: { pv: { volumeMode } },
        claim: { volumeMode, volumeName: 'pv' },
        expectVolumes: { pv: { volumeMode, claim: mine, phase: 'Bound', ...byController } },
        expectClaim: { ...bound, volumeMode },
      },
    ];
  }),
  {
    name: '14-5 takes no volume of its class and another mode',
    volumes: { pv: { className: 'by-hand' } },
    claim: { className: 'by-hand', volumeMode: 'Block' },
    events: ['Warning ProvisioningFailed'],
  },
  {
    name: '14-5-1 takes no volume of its mode and another class',
    volumes: { pv: { volumeMode: 'Block', className: 'gold' } },
    claim: { volumeMode: 'Block', className: 'by-hand' },
    events: ['Warning ProvisioningFailed'],
  },
  {
    name: '14-5-2 nor the one it names',
    volumes: { pv: { volumeMode: 'Block', className: 'gold' } },
    claim: { volumeMode: 'Block', volumeName: 'pv' },
    events: ['Warning VolumeMismatch'],
  },
];
