import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  KubeObject,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  Stored,
} from '../../kube/index.ts';
import { nextStep, type Step, type World } from './plan.ts';

const FINALIZER = 'volume.populator.test/populate-target-protection';
const stored = <T extends KubeObject>(object: T) => object as Stored<T>;

interface Given {
  readonly deleted?: boolean;
  readonly protected?: boolean;
  /** The volume that the claim has. */
  readonly has?: string;
  readonly source?: boolean;
  readonly class?: Partial<StorageClass> | 'missing' | 'none';
  readonly node?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The phase of the prime claim, and its volume. */
  readonly prime?: readonly [phase: string, volume?: string];
  readonly pod?: string;
  readonly podDeleted?: boolean;
  /** Whose volume it is. */
  readonly volume?: 'prime' | 'claim' | 'a claim of the name';
}

function world(given: Given): World {
  const { class: of = {}, prime, pod, volume } = given;
  const claim: PersistentVolumeClaim = {
    metadata: {
      name: 'test-pvc',
      namespace: 'default',
      uid: 'test-uid',
      finalizers: ['kubernetes.io/pvc-protection', ...(given.protected ? [FINALIZER] : [])],
      annotations: {
        ...given.annotations,
        ...(given.node && { 'volume.kubernetes.io/selected-node': given.node }),
      },
      ...(given.deleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: {
      ...(of !== 'none' && { storageClassName: 'test-sc' }),
      ...(given.has && { volumeName: given.has }),
    },
  };
  const owner = {
    prime: { namespace: 'test', name: 'prime-test-uid', uid: 'prime-uid' },
    claim: { namespace: 'default', name: 'test-pvc', uid: 'test-uid' },
    'a claim of the name': { namespace: 'default', name: 'test-pvc', uid: 'another' },
  };
  return {
    claim: stored(claim),
    source: given.source === false ? undefined : stored({ metadata: { name: 'source' } }),
    class:
      typeof of === 'string' ? undefined : stored<StorageClass>({ provisioner: 'test.provisioner', ...of }),
    prime:
      prime && stored<PersistentVolumeClaim>({ spec: { volumeName: prime[1] }, status: { phase: prime[0] } }),
    pod:
      pod === undefined
        ? undefined
        : stored<Pod>({
            metadata: { ...(given.podDeleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
            status: { phase: pod },
          }),
    volume:
      volume &&
      stored<PersistentVolume>({ metadata: { name: 'test-pv' }, spec: { claimRef: owner[volume] } }),
  };
}

const LATE = { volumeBindingMode: 'WaitForFirstConsumer' };
const MADE = { protected: true, prime: ['Bound', 'test-pv'], volume: 'prime' } as const;
const GIVEN = { ...MADE, volume: 'claim' } as const;

describe('the next step for a claim that a pod is to fill', () => {
  // The first are those of TestSyncPvcWithPopulatorPod, in its order.
  const cases: [what: string, given: Given, step: Step][] = [
    ['data source does not exist', { source: false }, 'tell that the source is missing'],
    ['StorageClass does not exist', { class: 'missing' }, 'nothing'],
    ['PVC not bound to a node', { class: LATE }, 'nothing'],
    ['create pvcPrime', { class: LATE, node: 'n', protected: true }, 'make the prime claim'],
    ['create populator pod', { protected: true, prime: ['Pending'] }, 'make the pod'],
    ['wait for the populator pod', { ...MADE, pod: 'Running' }, 'nothing'],
    ['populator pod failed', { ...MADE, pod: 'Failed' }, 'delete the failed pod'],
    ['PV does not exist', { ...MADE, pod: 'Succeeded', volume: undefined as never }, 'nothing'],
    ['the volume is still the prime claim’s', { ...MADE, pod: 'Succeeded' }, 'rebind the volume'],
    ['wait for the bind controller', { ...GIVEN, pod: 'Succeeded' }, 'nothing'],
    [
      'wait for the bind controller, which has begun',
      { ...GIVEN, has: 'test-pv', pod: 'Succeeded' },
      'nothing',
    ],
    ['clean up', { ...GIVEN, prime: ['Lost', 'test-pv'], has: 'test-pv', pod: 'Succeeded' }, 'finish'],
    ['delete the original PVC', { ...MADE, deleted: true, pod: 'Running' }, 'clean up'],

    ['no class is asked for', { class: 'none' }, 'protect the claim'],
    ['the class is in-tree', { class: { provisioner: 'kubernetes.io/aws-ebs' } }, 'nothing'],
    [
      'the class is in-tree, and migrated',
      {
        class: { provisioner: 'kubernetes.io/aws-ebs' },
        annotations: { 'pv.kubernetes.io/migrated-to': 'ebs.csi.aws.com' },
      },
      'protect the claim',
    ],
    ['the claim is protected first', {}, 'protect the claim'],
    ['a pod that has failed goes already', { ...MADE, pod: 'Failed', podDeleted: true }, 'nothing'],
    [
      'the volume is reserved for an earlier claim of the name',
      { ...MADE, pod: 'Succeeded', volume: 'a claim of the name' },
      'rebind the volume',
    ],
    [
      'the prime claim has lost it before the claim has it',
      { ...GIVEN, prime: ['Lost', 'test-pv'] },
      'nothing',
    ],
    [
      'the pod is gone after the volume was given',
      { ...GIVEN, prime: ['Lost', 'test-pv'], has: 'test-pv' },
      'finish',
    ],
    ['all is done but the finalizer', { protected: true, has: 'test-pv' }, 'finish'],
    ['all is done', { has: 'test-pv' }, 'nothing'],
    ['all is done, and the source is gone', { has: 'test-pv', source: false }, 'nothing'],
    [
      'the source went when all was filled',
      { ...GIVEN, prime: ['Lost', 'test-pv'], has: 'test-pv', source: false },
      'finish',
    ],
    ['the claim has got another volume', { ...MADE, has: 'another', pod: 'Running' }, 'finish'],
    ['the claim goes after its source', { ...MADE, deleted: true, source: false }, 'clean up'],
    ['the claim goes after its class', { ...MADE, deleted: true, class: 'missing' }, 'clean up'],
    ['the claim goes, and nothing is left', { deleted: true }, 'nothing'],
    ['the claim goes, and only the prime claim is left', { deleted: true, prime: ['Pending'] }, 'clean up'],
  ];
  for (const [what, given, step] of cases)
    it(`${what}: ${step}`, () => assert.equal(nextStep(world(given), 'pod', FINALIZER), step));
});

describe('the next step for a claim that functions are to fill', () => {
  const cases: [what: string, given: Given, step: Step][] = [
    ['the prime claim is not bound', { protected: true, prime: ['Pending'] }, 'nothing'],
    ['it is', MADE, 'fill by functions'],
    ['wait for the bind controller', GIVEN, 'nothing'],
    ['clean up', { ...GIVEN, prime: ['Lost', 'test-pv'], has: 'test-pv' }, 'finish'],
    ['delete the original PVC', { ...MADE, deleted: true }, 'clean up'],
  ];
  for (const [what, given, step] of cases)
    it(`${what}: ${step}`, () => assert.equal(nextStep(world(given), 'functions', FINALIZER), step));
});
