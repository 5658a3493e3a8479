import { describe, it } from 'node:test';
import { FINALIZER_PVC_PROTECTION, namespaces, persistentVolumeClaims, pods } from '../../kube/index.ts';
import { createClaimProtection } from './claim-protection.ts';
import {
  assertCase,
  type ClaimNotes,
  claim,
  gone,
  type Happening,
  type ProtectionCase,
  pod,
  podPhase,
} from './world.test-support.ts';

// The cases of upstream's pvcprotection/pvc_protection_controller_test.go under their names.

const finalizers = [FINALIZER_PVC_PROTECTION];
const kept = (name = 'pvc1', more: ClaimNotes = {}) => claim(name, { finalizers, ...more });
/** A claim that is being deleted, and waits for its protection. */
const leaving = (name = 'pvc1', namespace?: string): Happening[] => [
  kept(name, { namespace }),
  gone(persistentVolumeClaims, name, namespace),
];
const namespace =
  (name: string): Happening =>
  (client) =>
    client.create(namespaces, { metadata: { name } });
const user = (name = 'pod1', notes: Parameters<typeof pod>[1] = {}) =>
  pod(name, { claims: ['pvc1'], ...notes });
const scheduled: Happening = (client) =>
  client.createSubresource(pods, { namespace: 'default', name: 'pod1' }, 'binding', {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'pod1', namespace: 'default' },
    target: { kind: 'Node', name: 'node-1' },
  });

const CASES: readonly ProtectionCase[] = [
  {
    name: 'PVC without finalizer -> finalizer is added',
    before: [namespace('namespace-2'), claim('pvc1'), claim('pvc2', { namespace: 'namespace-2' })],
    writes: ['pvc1 protected', 'pvc2 protected'],
  },
  {
    name: 'PVC with finalizer -> no action',
    before: [namespace('namespace-2'), kept(), kept('pvc2', { namespace: 'namespace-2' })],
    writes: [],
  },
  {
    name: 'saving PVC finalizer fails -> controller retries',
    before: [claim('pvc1')],
    refuse: { update: 2 },
    writes: ['pvc1 protected', 'pvc1 protected', 'pvc1 protected'],
  },
  {
    name: 'deleted PVC with finalizers across different namespaces -> finalizer is removed',
    before: [namespace('namespace-2'), ...leaving(), ...leaving('pvc2', 'namespace-2')],
    writes: ['pvc1 freed', 'pvc2 freed'],
  },
  {
    name: 'multiple PVCs with finalizer for the same namespace; no alive pods -> finalizer is removed',
    before: [...leaving(), ...leaving('pvc2')],
    writes: ['pvc1 freed', 'pvc2 freed'],
  },
  {
    name: 'finalizer removal fails -> controller retries',
    before: leaving(),
    refuse: { update: 2 },
    writes: ['pvc1 freed', 'pvc1 freed', 'pvc1 freed'],
  },
  {
    name: 'delete multiple PVCs of the same namespace; pod list fails for one PVC -> add failing PVC back to queue and continue to the next PVC',
    before: [...leaving(), ...leaving('pvc2')],
    refuse: { list: 1 },
    writes: ['pvc1 freed', 'pvc2 freed'],
  },
  {
    name: 'deleted PVC with finalizer + pod with the PVC exists -> finalizer is not removed',
    before: [user(), ...leaving()],
    writes: [],
  },
  {
    name: 'deleted PVC with finalizer + pod with unrelated PVC and EmptyDir exists -> finalizer is removed',
    before: [user('pod1', { claims: ['unrelated'] }), ...leaving()],
    writes: ['pvc1 freed'],
  },
  {
    name: 'deleted multiple PVCs with finalizer (same namespace) + pod with unrelated PVC and EmptyDir exists',
    before: [
      user('pod1', { claims: ['unrelated'] }),
      ...['pvc1', 'pvc2', 'pvc3'].flatMap((name) => leaving(name)),
    ],
    writes: ['pvc1 freed', 'pvc2 freed', 'pvc3 freed'],
  },
  {
    name: 'deleted PVC with finalizer + pod with the PVC finished but is not deleted -> finalizer is not removed',
    before: [user('pod1', { phase: 'Failed' }), ...leaving()],
    writes: [],
  },
  {
    name: "deleted PVC with finalizer + pod with the PVC exists but is not in the Informer's cache yet -> finalizer is not removed",
    before: [user(), ...leaving()],
    hearing: 'nothing',
    writes: [],
  },
  {
    name: 'mix of deleted PVCs with some used by a pod and some unused -> finalizer is removed only for unused PVCs',
    before: [
      namespace('namespace-3'),
      user(),
      user('pod2', { namespace: 'namespace-3', claims: ['pvc3'] }),
      ...leaving(),
      ...leaving('pvc2'),
      ...leaving('pvc3', 'namespace-3'),
    ],
    hearing: 'nothing',
    writes: ['pvc2 freed'],
  },
  {
    name: 'feature disabled: unused PVC with no pods -> no condition action',
    before: [kept()],
    writes: [],
  },
  {
    name: 'updated running Pod -> no action',
    before: [user(), ...leaving()],
    later: [podPhase('pod1', 'Running')],
    writes: [],
  },
  {
    name: 'updated finished Pod -> finalizer is not removed',
    before: [user(), ...leaving()],
    later: [podPhase('pod1', 'Succeeded')],
    writes: [],
  },
  {
    name: 'updated unscheduled Pod -> finalizer is removed',
    before: [user('pod1', { nodeName: undefined }), ...leaving()],
    writes: ['pvc1 freed'],
  },
  {
    name: 'deleted running Pod -> finalizer is removed',
    before: [user('pod1', { phase: 'Running' }), ...leaving()],
    later: [gone(pods, 'pod1')],
    writes: ['pvc1 freed'],
  },
  {
    name: 'pod delete and create with same namespaced name seen as an update, old pod used deleted PVC -> finalizer is removed',
    before: [user(), ...leaving()],
    hearing: 'no deletions',
    later: [gone(pods, 'pod1'), user('pod1', { claims: [] })],
    writes: ['pvc1 freed'],
  },
  {
    name: 'pod delete and create with same namespaced name seen as an update, old pod used non-deleted PVC -> finalizer is not removed',
    before: [user(), kept()],
    hearing: 'no deletions',
    later: [gone(pods, 'pod1'), user('pod1', { claims: [] })],
    writes: [],
  },
  {
    name: 'pod delete and create with same namespaced name seen as an update, both pods reference deleted PVC -> finalizer is not removed',
    before: [user(), ...leaving()],
    hearing: 'no deletions',
    later: [gone(pods, 'pod1'), user()],
    writes: [],
  },
  {
    name: 'pod update from unscheduled to scheduled, deleted PVC is referenced -> finalizer is not removed',
    before: [user('pod1', { nodeName: undefined }), kept()],
    later: [scheduled, gone(persistentVolumeClaims, 'pvc1')],
    writes: [],
  },
];

const condition = (status: string): ClaimNotes['status'] => ({
  conditions: [
    {
      type: 'Unused',
      status,
      reason: status === 'True' ? 'NoPodsUsingPVC' : 'PodUsingPVC',
      message:
        status === 'True'
          ? 'No pods are currently referencing this PVC'
          : 'A pod is currently referencing this PVC',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ],
});
const known = (status: string) => kept('pvc1', { status: condition(status) });

/** With the gate PersistentVolumeClaimUnusedSinceTime. */
const UNUSED: readonly ProtectionCase[] = [
  {
    name: 'unused PVC with no pods -> Unused=True condition set',
    before: [kept()],
    writes: ['pvc1 told'],
  },
  {
    name: 'PVC already has Unused=True and is still unused -> no update',
    before: [known('True')],
    writes: [],
  },
  {
    name: 'running pod references PVC with Unused=True -> condition set to False',
    before: [known('True')],
    later: [user('pod1', { phase: 'Running' })],
    writes: ['pvc1 told'],
  },
  {
    name: 'PVC in use by running pod without condition -> Unused=False set proactively',
    before: [user('pod1', { phase: 'Running' }), kept()],
    writes: ['pvc1 told'],
  },
  {
    name: 'deleting PVC -> condition not updated, finalizer removed',
    before: leaving(),
    writes: ['pvc1 freed'],
  },
  {
    name: 'unscheduled pending pod references PVC -> Unused=False set proactively',
    before: [user('pod1', { nodeName: undefined }), kept()],
    writes: ['pvc1 told'],
  },
  ...['Succeeded', 'Failed'].map((phase) => ({
    name: `terminated (${phase}) pod does not count as using PVC -> Unused=True set`,
    before: [known('False'), user('pod1', { phase: 'Running' })],
    later: [podPhase('pod1', phase)],
    writes: ['pvc1 told'],
  })),
  {
    name: 'status update fails -> controller retries',
    before: [kept()],
    refuse: { update: 2 },
    writes: ['pvc1 told', 'pvc1 told', 'pvc1 told'],
  },
  {
    name: 'pod not in informer cache but exists in API -> Unused=False set proactively',
    before: [user(), kept()],
    hearing: 'nothing',
    writes: ['pvc1 told'],
  },
  {
    name: 'one of two pods deleted, remaining pod keeps PVC in use -> Unused=False set proactively',
    before: [user(), user('pod2'), known('False')],
    later: [gone(pods, 'pod1')],
    writes: [],
  },
  {
    name: 'deleting PVC that already has Unused=True condition -> condition preserved when removing finalizer',
    before: [known('True'), gone(persistentVolumeClaims, 'pvc1')],
    writes: ['pvc1 freed'],
  },
  {
    name: 'pod deleted, PVC becomes unused -> Unused=True condition set',
    before: [user(), known('False')],
    later: [gone(pods, 'pod1')],
    writes: ['pvc1 told'],
  },
  {
    name: 'used PVC without finalizer -> Unused=False set then finalizer added',
    before: [user(), claim('pvc1')],
    writes: ['pvc1 protected', 'pvc1 told'],
  },
  {
    name: 'deleted PVC with finalizer and pod using it -> finalizer kept (existing behavior)',
    before: [user(), ...leaving()],
    writes: [],
  },
];

describe('the PVC protection controller', () => {
  for (const one of CASES)
    it(one.name, (test) => assertCase(test, one, FINALIZER_PVC_PROTECTION, createClaimProtection));
  for (const one of UNUSED)
    it(`feature enabled: ${one.name}`, (test) =>
      assertCase(test, one, FINALIZER_PVC_PROTECTION, (context) =>
        createClaimProtection(context, { tellUnused: true }),
      ));
});
