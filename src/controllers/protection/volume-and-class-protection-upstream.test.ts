import { describe, it } from 'node:test';
import {
  FINALIZER_PV_PROTECTION,
  FINALIZER_VAC_PROTECTION,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  volumeAttributesClasses,
} from '../../kube/index.ts';
import { createAttributesClassProtection } from './attributes-class-protection.ts';
import { createVolumeProtection } from './volume-protection.ts';
import {
  assertCase,
  claim,
  claimStatus,
  createWith,
  gone,
  type Happening,
  type ProtectionCase,
} from './world.test-support.ts';

// The cases of upstream's pvprotection/pv_protection_controller_test.go and vacprotection/vac_protection_controller_test.go
// under their names.

const volume =
  (name: string, finalizers?: string[], volumeAttributesClassName?: string): Happening =>
  (client) =>
    createWith(
      client,
      persistentVolumes,
      {
        metadata: { name },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          csi: { driver: 'd', volumeHandle: name },
          volumeAttributesClassName,
        },
      },
      finalizers,
    );
const volumePhase =
  (name: string, phase: string): Happening =>
  (client) =>
    client.patch(
      persistentVolumes,
      { name },
      { type: 'merge', body: { status: { phase } } },
      { subresource: 'status' },
    );

const kept = volume('pv', [FINALIZER_PV_PROTECTION]);
const leaving = [kept, gone(persistentVolumes, 'pv')];

const VOLUMES: readonly ProtectionCase[] = [
  { name: 'PV without finalizer -> finalizer is added', before: [volume('pv')], writes: ['pv protected'] },
  { name: 'PV with finalizer -> no action', before: [kept], writes: [] },
  {
    name: 'saving PV finalizer fails -> controller retries',
    before: [volume('pv')],
    refuse: { update: 2 },
    writes: ['pv protected', 'pv protected', 'pv protected'],
  },
  { name: 'deleted PV with finalizer -> finalizer is removed', before: leaving, writes: ['pv freed'] },
  {
    name: 'finalizer removal fails -> controller retries',
    before: leaving,
    refuse: { update: 2 },
    writes: ['pv freed', 'pv freed', 'pv freed'],
  },
  {
    name: 'deleted PV with finalizer + PV is bound -> finalizer is not removed',
    before: [kept, volumePhase('pv', 'Bound'), gone(persistentVolumes, 'pv')],
    writes: [],
  },
  {
    name: 'and is, once it is Released',
    before: [kept, volumePhase('pv', 'Bound'), gone(persistentVolumes, 'pv')],
    later: [volumePhase('pv', 'Released')],
    writes: ['pv freed'],
  },
];

const attributesClass =
  (name: string, finalizers?: string[]): Happening =>
  (client) =>
    createWith(
      client,
      volumeAttributesClasses,
      { metadata: { name }, driverName: 'd', parameters: { a: 'b' } },
      finalizers,
    );
const keptClass = attributesClass('vac1', [FINALIZER_VAC_PROTECTION]);
const leavingClass = [keptClass, gone(volumeAttributesClasses, 'vac1')];

/** Bound, for only such a claim may have another class. */
const claimOf = (name: string, volumeAttributesClassName: string) =>
  claim(name, { spec: { volumeAttributesClassName, volumeName: 'any' }, status: { phase: 'Bound' } });
const claimGets =
  (volumeAttributesClassName: string): Happening =>
  (client) =>
    client.patch(
      persistentVolumeClaims,
      { namespace: 'default', name: 'pvc1' },
      { type: 'merge', body: { spec: { volumeAttributesClassName } } },
    );
const volumeGets =
  (volumeAttributesClassName: string): Happening =>
  (client) =>
    client.patch(
      persistentVolumes,
      { name: 'pv1' },
      { type: 'merge', body: { spec: { volumeAttributesClassName } } },
    );
const volumeOf = (name: string, className: string) => volume(name, undefined, className);
/** The claim still has the old class in its status, and then gets the new one. */
const stillHas = (status: PersistentVolumeClaim['status']) => [
  claimStatus('pvc1', status),
  claimGets('vac2'),
];

const CLASSES: readonly ProtectionCase[] = [
  {
    name: 'VAC without finalizer -> finalizer is added',
    before: [attributesClass('vac1')],
    writes: ['vac1 protected'],
  },
  { name: 'VAC with finalizer -> no action', before: [keptClass], writes: [] },
  {
    name: 'saving VAC finalizer fails -> controller retries',
    before: [attributesClass('vac1')],
    refuse: { update: 2 },
    writes: ['vac1 protected', 'vac1 protected', 'vac1 protected'],
  },
  {
    name: 'deleted VAC with finalizer -> finalizer is removed',
    before: leavingClass,
    writes: ['vac1 freed'],
  },
  {
    name: 'finalizer removal fails -> controller retries',
    before: leavingClass,
    refuse: { update: 2 },
    writes: ['vac1 freed', 'vac1 freed', 'vac1 freed'],
  },
  {
    name: "deleted VAC with finalizer but it's referenced by a PV -> finalizer is not removed",
    before: [volumeOf('pv1', 'vac1'), ...leavingClass],
    writes: [],
  },
  {
    name: "deleted VAC with finalizer but it's referenced by a PVC -> finalizer is not removed",
    before: [claimOf('pvc1', 'vac1'), ...leavingClass],
    writes: [],
  },
  {
    name: 'pv changes vac and deleted VAC with finalizer -> finalizer is removed',
    before: [volumeOf('pv1', 'vac1'), ...leavingClass],
    later: [volumeGets('vac2')],
    writes: ['vac1 freed'],
  },
  {
    name: 'pv is deleted and deleted VAC with finalizer -> finalizer is removed',
    before: [volumeOf('pv1', 'vac1'), ...leavingClass],
    later: [gone(persistentVolumes, 'pv1')],
    writes: ['vac1 freed'],
  },
  {
    name: 'pv is deleted but other pv still holds terminating vac -> finalizer is not removed',
    before: [volumeOf('pv1', 'vac1'), volumeOf('pv2', 'vac1'), ...leavingClass],
    later: [gone(persistentVolumes, 'pv1')],
    writes: [],
  },
  {
    name: 'pv is deleted but pvc still holds terminating vac -> finalizer is not removed',
    before: [volumeOf('pv1', 'vac1'), claimOf('pvc1', 'vac1'), ...leavingClass],
    later: [gone(persistentVolumes, 'pv1')],
    writes: [],
  },
  {
    name: 'pvc changes vac and deleted VAC with finalizer -> finalizer is removed',
    before: [claimOf('pvc1', 'vac1'), ...leavingClass],
    later: [claimGets('vac2')],
    writes: ['vac1 freed'],
  },
  {
    name: 'pvc changes vac but its status still holds terminating vac  -> finalizer is not removed',
    before: [claimOf('pvc1', 'vac1'), ...leavingClass],
    later: stillHas({ currentVolumeAttributesClassName: 'vac1' }),
    writes: [],
  },
  {
    name: 'pvc changes vac but its target status still holds terminating vac  -> finalizer is not removed',
    before: [claimOf('pvc1', 'vac1'), ...leavingClass],
    later: stillHas({
      modifyVolumeStatus: { targetVolumeAttributesClassName: 'vac1', status: 'InProgress' },
    }),
    writes: [],
  },
  {
    name: 'pvc is deleted but other pvc still holds terminating vac -> finalizer is not removed',
    before: [claimOf('pvc1', 'vac1'), claimOf('pvc2', 'vac1'), ...leavingClass],
    later: [gone(persistentVolumeClaims, 'pvc1')],
    writes: [],
  },
  {
    name: 'pvc is deleted but pv still holds terminating vac -> finalizer is not removed',
    before: [claimOf('pvc1', 'vac1'), volumeOf('pv1', 'vac1'), ...leavingClass],
    later: [gone(persistentVolumeClaims, 'pvc1')],
    writes: [],
  },
];

describe('the PV protection controller', () => {
  for (const one of VOLUMES)
    it(one.name, (test) => assertCase(test, one, FINALIZER_PV_PROTECTION, createVolumeProtection));
});

describe('the VAC protection controller', () => {
  for (const one of CLASSES)
    it(one.name, (test) => assertCase(test, one, FINALIZER_VAC_PROTECTION, createAttributesClassProtection));
});
