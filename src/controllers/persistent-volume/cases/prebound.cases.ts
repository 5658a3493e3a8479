import { bound, byController, type ClaimCase, mine, noMatch } from './claim-case.ts';

/** Claims that name their volume: upstream's 2-…. */
export const preboundCases: readonly ClaimCase[] = [
  { name: '2-1 waits for the volume it names', claim: { volumeName: 'pv' } },
  {
    name: '2-2 resets the status while it waits for the volume it names',
    claim: { volumeName: 'pv', phase: 'Bound' },
    expectClaim: { volumeName: 'pv' },
  },
  {
    name: '2-3 binds to the free volume that it names, and does not say that the controller chose it',
    volumes: { pv: {} },
    claim: { volumeName: 'pv' },
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: bound,
  },
  {
    name: '2-4 binds to a volume that names it, too',
    volumes: { pv: { claim: { name: 'claim' } } },
    claim: { volumeName: 'pv' },
    expectVolumes: { pv: { claim: mine, phase: 'Bound' } },
    expectClaim: bound,
  },
  {
    name: '2-5 binds to a volume that names it by uid, too',
    volumes: { pv: { claim: mine } },
    claim: { volumeName: 'pv' },
    expectVolumes: { pv: { claim: mine, phase: 'Bound' } },
    expectClaim: bound,
  },
  {
    name: '2-6 waits when the volume it names has another claim',
    volumes: { pv: { claim: { name: 'other', uid: 'other' }, phase: 'Bound' } },
    claim: { volumeName: 'pv' },
    events: noMatch.map((event) => event.replace('Normal', 'Warning')),
  },
  {
    name: '2-7 fails when the controller had bound it and the volume has another claim',
    volumes: { pv: { claim: { name: 'other', uid: 'other' }, phase: 'Bound' } },
    claim: { volumeName: 'pv', boundByController: true },
    events: ['Warning FailedBinding'],
    error:
      /^invalid binding of claim "default\/claim" to volume "pv": volume already claimed by "default\/other"$/,
  },
  {
    name: '2-8 binds to the volume it names, whatever its selector says',
    volumes: { pv: {} },
    claim: { volumeName: 'pv', selector: { matchLabels: { a: 'b' } } },
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...bound, selector: { matchLabels: { a: 'b' } } },
  },
  {
    name: '2-9 does not bind to a volume that is too small',
    volumes: { pv: {} },
    claim: { volumeName: 'pv', size: '2Gi' },
    events: ['Warning VolumeMismatch'],
  },
  {
    name: '2-10 does not bind to a volume of another class',
    volumes: { pv: {} },
    claim: { volumeName: 'pv', className: 'gold' },
    events: ['Warning VolumeMismatch'],
  },
  {
    name: '2-11 does not bind to a volume of another VolumeAttributesClass',
    volumes: { pv: {} },
    claim: { volumeName: 'pv', attributesClass: 'fast' },
    events: ['Warning VolumeMismatch'],
  },
  {
    name: '2-12 binds to a volume of the same VolumeAttributesClass',
    volumes: { pv: { attributesClass: 'fast' } },
    claim: { volumeName: 'pv', attributesClass: 'fast' },
    expectVolumes: { pv: { attributesClass: 'fast', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...bound, attributesClass: 'fast', currentAttributesClass: 'fast' },
  },
];
