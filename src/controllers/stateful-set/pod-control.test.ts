import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client, EventRecorder } from '../../client/index.ts';
import {
  alreadyExists,
  internalError,
  type KubeObject,
  notFound,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  pods,
  type Resource,
  type Stored,
  staleObject,
} from '../../kube/index.ts';
import { applyPlan } from './apply.ts';
import { makeClaim, makePod, makeSet, planFor } from './fixtures.ts';
import { identityMatches, storageMatches } from './identity.ts';

// stateful_pod_control_test.go under its names, but for what TestStatefulPodControl…Retention… has in claim-retention.test.ts.
// Upstream writes again at once when the cache was behind; here the set is looked at again.

const set = makeSet({ replicas: 1 });
const down = () => internalError('API server down');

interface World {
  readonly pod?: Stored<Pod>;
  readonly claim?: Stored<PersistentVolumeClaim>;
  /** What the server refuses, `VERB PLURAL`. */
  readonly refuse?: Readonly<Record<string, () => Error>>;
}

/** Does what the plan for a set of one pod says: what was written, what was told, why it failed. */
async function outcome({ pod, claim, refuse = {} }: World) {
  const written: string[] = [];
  const objects: KubeObject[] = [];
  const events: string[] = [];
  const write = (verb: string) => async (resource: Resource<never>, object: KubeObject) => {
    const failure = refuse[`${verb} ${resource.plural}`];
    if (failure) throw failure();
    written.push(`${verb} ${resource.plural}`);
    objects.push(object);
    return object;
  };
  const client = {
    create: write('create'),
    update: write('update'),
    delete: write('delete'),
  } as unknown as Client;
  const recorder: EventRecorder = {
    event: (_object, type, reason) => void events.push(`${type} ${reason}`),
  };
  const plan = planFor(set, pod ? [pod] : [], { claim: () => claim });
  const failure = await applyPlan({ client, recorder, set, signal: new AbortController().signal }, plan).then(
    () => undefined,
    (error: Error) => error.message,
  );
  return { written, objects, events, failure };
}

const there = makeClaim('data-web-0');
const leaving = makeClaim('data-web-0', { deletionTimestamp: '2019-01-01T00:00:00Z' });
const ready = makePod(set, 0, 'ready');
const renamed: Stored<Pod> = {
  ...ready,
  metadata: {
    ...ready.metadata,
    labels: { ...ready.metadata.labels, 'statefulset.kubernetes.io/pod-name': 'goo-0' },
  },
};
const unmounted: Stored<Pod> = { ...ready, spec: { ...ready.spec!, volumes: [] } };
const failed = makePod(set, 0, 'failed');

const CREATED = ['Normal SuccessfulCreate', 'Normal SuccessfulCreate'];

describe('StatefulPodControl', () => {
  const table: readonly (readonly [
    name: string,
    world: World,
    written: readonly string[],
    events: readonly string[],
    failure?: RegExp,
  ])[] = [
    ['CreatesPods', {}, ['create persistentvolumeclaims', 'create pods'], CREATED],
    [
      'CreatePodExists',
      { claim: there, refuse: { 'create pods': () => alreadyExists(pods, 'web-0') } },
      [],
      [],
    ],
    [
      'a claim exists that the cache does not have',
      {
        refuse: {
          'create persistentvolumeclaims': () => alreadyExists(persistentVolumeClaims, 'data-web-0'),
        },
      },
      ['create pods'],
      ['Normal SuccessfulCreate'],
    ],
    [
      'CreatePodPvcCreateFailure',
      { refuse: { 'create persistentvolumeclaims': down } },
      [],
      ['Warning FailedCreate', 'Warning FailedCreate'],
      /API server down/,
    ],
    ['CreatePodPVCDeleting', { claim: leaving }, [], ['Warning FailedCreate'], /data-web-0 is being deleted/],
    [
      'CreatePodFailed',
      { refuse: { 'create pods': down } },
      ['create persistentvolumeclaims'],
      ['Normal SuccessfulCreate', 'Warning FailedCreate'],
      /API server down/,
    ],
    ['NoOpUpdate', { pod: ready, claim: there }, [], []],
    ['UpdatesIdentity', { pod: renamed, claim: there }, ['update pods'], ['Normal SuccessfulUpdate']],
    [
      'UpdateIdentityFailure',
      { pod: renamed, claim: there, refuse: { 'update pods': down } },
      [],
      ['Warning FailedUpdate'],
      /API server down/,
    ],
    [
      'UpdatesPodStorage',
      { pod: unmounted },
      ['create persistentvolumeclaims', 'update pods'],
      ['Normal SuccessfulCreate', 'Normal SuccessfulUpdate'],
    ],
    [
      'UpdatePodStorageFailure',
      { pod: unmounted, refuse: { 'create persistentvolumeclaims': down } },
      [],
      ['Warning FailedCreate', 'Warning FailedUpdate'],
      /API server down/,
    ],
    [
      'UpdatePodConflict: nobody is told',
      { pod: renamed, claim: there, refuse: { 'update pods': () => staleObject(pods, 'web-0') } },
      [],
      [],
      /the object has been modified/,
    ],
    [
      'a pod that is Pending, its claim cannot be made',
      { pod: makePod(set, 0, 'pending'), refuse: { 'create persistentvolumeclaims': down } },
      [],
      ['Warning FailedCreate'],
      /API server down/,
    ],
    ['DeletesStatefulPod', { pod: failed, claim: there }, ['delete pods'], ['Normal SuccessfulDelete']],
    [
      'DeleteStatefulPodNotFound',
      { pod: failed, claim: there, refuse: { 'delete pods': () => notFound(pods, 'web-0') } },
      [],
      ['Normal SuccessfulDelete'],
    ],
    [
      'DeleteFailure',
      { pod: failed, claim: there, refuse: { 'delete pods': down } },
      [],
      ['Warning FailedDelete'],
      /API server down/,
    ],
  ];
  for (const [name, world, written, events, failure] of table) {
    it(name, async () => {
      const found = await outcome(world);
      assert.deepEqual([found.written, found.events], [written, events]);
      if (failure) assert.match(found.failure ?? '', failure);
      else assert.equal(found.failure, undefined);
      const pod = found.objects.at(-1) as Pod | undefined;
      if (found.written.at(-1)?.endsWith('e pods') && !found.written.includes('delete pods')) {
        assert.ok(identityMatches(set, pod!));
        assert.ok(storageMatches(set, pod!));
      }
    });
  }
});
