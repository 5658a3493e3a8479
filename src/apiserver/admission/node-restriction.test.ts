import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from '../../client/index.ts';
import {
  csiNodes,
  leases,
  namespaces,
  nodes,
  type Pod,
  persistentVolumeClaims,
  pods,
  serviceAccounts,
} from '../../kube/index.ts';
import { userOfNode } from '../auth/index.ts';
import { createLocalClient } from '../local-client.ts';
import type { Registry } from '../registry/contract.ts';
import { claimNamed, podNamed, startRegistry } from '../registry/testing.ts';
import { forbiddenNodeLabels } from './node-labels.ts';

describe('NodeRestriction', () => {
  let admin: Client;
  let node: Client;
  let registry: Registry;
  before(async () => {
    ({ registry, client: admin } = await startRegistry());
    node = createLocalClient(registry, userOfNode('n1'));
    for (const name of ['n1', 'n2']) await admin.create(nodes, { metadata: { name } });
    await admin.create(
      pods,
      podNamed('mine', { nodeName: 'n1', serviceAccountName: 'default', volumes: [claim] }) as never,
    );
    await admin.create(pods, podNamed('theirs', { nodeName: 'n2' }) as never);
    await admin.create(persistentVolumeClaims, claimNamed('data') as never);
  });
  const claim = { name: 'data', persistentVolumeClaim: { claimName: 'data' } };
  const forbids = (attempt: Promise<unknown>, message: string | RegExp) =>
    assert.rejects(attempt, { code: 403, message });
  const status = (name: string, body: object) =>
    node.patch(pods, { namespace: 'default', name }, { type: 'merge', body }, { subresource: 'status' });

  it('writes the status of its own pods only, and no labels by it', async () => {
    await status('mine', { status: { message: 'hello' } });
    await forbids(
      status('theirs', { status: { message: 'hello' } }),
      'pods "theirs" is forbidden: node "n1" can only update pod status for pods with spec.nodeName set to itself',
    );
    await forbids(
      status('mine', { metadata: { labels: { app: 'other' } } }),
      'pods "mine" is forbidden: node "n1" cannot update labels through pod status',
    );
  });

  it('deletes its own pods only', async () => {
    await forbids(
      node.delete(pods, { namespace: 'default', name: 'theirs' }),
      'pods "theirs" is forbidden: node "n1" can only delete pods with spec.nodeName set to itself',
    );
  });

  describe('mirror pods', () => {
    const mirror = (change: { metadata?: object; spec?: object }): Promise<unknown> => {
      const pod = podNamed('static', { nodeName: 'n1', ...change.spec });
      const annotations = { 'kubernetes.io/config.mirror': 'x' };
      return node.create(
        pods,
        { ...pod, metadata: { ...pod.metadata, annotations, ...change.metadata } } as Pod,
        {
          dryRun: true,
        },
      );
    };
    const owner = async (change: object = {}) => {
      const { uid } = (await admin.get(nodes, { name: 'n1' })).metadata;
      return { apiVersion: 'v1', kind: 'Node', name: 'n1', uid, controller: true, ...change };
    };
    it('are the only ones that it makes, for itself and owned by itself', async () => {
      await mirror({ metadata: { ownerReferences: [await owner()] } });
      await forbids(
        node.create(pods, podNamed('own') as never),
        'pods "own" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
      );
      const itself = await owner();
      const table: [change: Parameters<typeof mirror>[0], why: RegExp][] = [
        [{ spec: { nodeName: 'n2' } }, /can only create pods with spec.nodeName set to itself$/],
        [{}, /with an owner reference set to itself$/],
        [
          { metadata: { ownerReferences: [itself, { ...itself, name: 'n2', controller: false }] } },
          /with a single owner reference set to itself$/,
        ],
        [
          { metadata: { ownerReferences: [{ ...itself, kind: 'Pod' }] } },
          /with an owner reference set to itself$/,
        ],
        [
          { metadata: { ownerReferences: [{ ...itself, controller: false }] } },
          /with a controller owner reference set to itself$/,
        ],
        [
          { metadata: { ownerReferences: [{ ...itself, blockOwnerDeletion: true }] } },
          /must not set blockOwnerDeletion on an owner reference$/,
        ],
        [
          { metadata: { ownerReferences: [{ ...itself, uid: 'x' }] } },
          /node n1 UID mismatch: expected x got /,
        ],
        [
          {
            metadata: { ownerReferences: [itself] },
            spec: { volumes: [{ name: 's', secret: { secretName: 'coveted' } }] },
          },
          /can not create pods that reference secrets$/,
        ],
        [
          { metadata: { ownerReferences: [itself] }, spec: { volumes: [claim] } },
          /can not create pods that reference persistentvolumeclaims$/,
        ],
      ];
      for (const [change, why] of table) await forbids(mirror(change), why);
    });
  });

  it('changes itself, but for taints, owners and labels of the system', async () => {
    const patch = (name: string, body: object) => node.patch(nodes, { name }, { type: 'merge', body });
    await patch('n1', { metadata: { labels: { 'example.com/rack': '1', 'kubernetes.io/hostname': 'n1' } } });
    await forbids(patch('n2', {}), 'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"');
    await forbids(
      patch('n1', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }),
      'nodes "n1" is forbidden: node "n1" is not allowed to modify taints',
    );
    await forbids(
      patch('n1', { metadata: { labels: { 'node-role.kubernetes.io/master': '', 'a.k8s.io/b': 'c' } } }),
      'nodes "n1" is forbidden: is not allowed to modify labels: a.k8s.io/b, node-role.kubernetes.io/master',
    );
    await forbids(
      node.create(nodes, { metadata: { name: 'n1', labels: { 'kubernetes.io/role': 'master' } } }),
      'nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: kubernetes.io/role',
    );
  });

  it('writes capacity and conditions of a claim, and nothing else of it', async () => {
    const patch = (body: object) =>
      node.patch(
        persistentVolumeClaims,
        { namespace: 'default', name: 'data' },
        { type: 'merge', body },
        { subresource: 'status' },
      );
    await patch({ status: { capacity: { storage: '2Gi' } } });
    await forbids(
      patch({ status: { phase: 'Bound' } }),
      /^persistentvolumeclaims "data" is forbidden: node "n1" is not allowed to update fields other than status.quantity and status.conditions/,
    );
  });

  it('keeps to its own Lease and CSINode', async () => {
    await node.create(leases, { metadata: { namespace: 'kube-node-lease', name: 'n1' } });
    await node.create(csiNodes, { metadata: { name: 'n1' }, spec: { drivers: [] } });
    await forbids(
      node.create(leases, { metadata: { namespace: 'kube-node-lease', name: 'n2' } }),
      'leases.coordination.k8s.io "n2" is forbidden: can only access node lease with the same name as the requesting node',
    );
    await forbids(
      node.create(csiNodes, { metadata: { name: 'n2' }, spec: { drivers: [] } }),
      'csinodes.storage.k8s.io "n2" is forbidden: can only access CSINode with the same name as the requesting node',
    );
  });

  it('asks for tokens of its own pods only, bound to them, for audiences that they want', async () => {
    registry.answerWith(serviceAccounts, ({ body }) => body, 'token');
    const { uid } = (await admin.get(pods, { namespace: 'default', name: 'mine' })).metadata;
    const other = (await admin.get(pods, { namespace: 'default', name: 'theirs' })).metadata.uid;
    const ask = (boundObjectRef?: object, audiences?: string[]) =>
      node.createSubresource(serviceAccounts, { namespace: 'default', name: 'default' }, 'token', {
        spec: { boundObjectRef, audiences },
      });
    const bound = { apiVersion: 'v1', kind: 'Pod', name: 'mine', uid };
    const table: [attempt: () => Promise<unknown>, why: RegExp][] = [
      [() => ask(), /: node requested token not bound to a pod$/],
      [() => ask({ ...bound, uid: '' }), /: node requested token with a pod binding without a uid$/],
      [() => ask({ ...bound, uid: 'x' }), /: the UID in the bound object reference \(x\) does not match/],
      [
        () => ask({ ...bound, name: 'theirs', uid: other }),
        /: node requested token bound to a pod scheduled on a different node$/,
      ],
      [() => ask(bound, ['a', 'b']), /: node may only request 0 or 1 audiences$/],
      [
        () => ask(bound, ['vault']),
        /: audience "vault" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience$/,
      ],
    ];
    for (const [attempt, why] of table) await forbids(attempt(), why);
    await assert.rejects(ask({ ...bound, name: 'none' }), { code: 404 });
  });

  it('is about nodes only', async () => {
    await admin.create(namespaces, { metadata: { name: 'x' } });
    await admin.patch(
      nodes,
      { name: 'n2' },
      { type: 'merge', body: { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } } },
    );
  });
});

describe('forbiddenNodeLabels', () => {
  const table: [key: string, forbidden: boolean][] = [
    ['plain', false],
    ['example.com/x', false],
    ['kubernetes.io/hostname', false],
    ['topology.kubernetes.io/zone', false],
    ['beta.kubernetes.io/os', false],
    ['kubelet.kubernetes.io/x', false],
    ['a.node.kubernetes.io/x', false],
    ['kubernetes.io/x', true],
    ['k8s.io/x', true],
    ['a.k8s.io/x', true],
    ['node-restriction.kubernetes.io/x', true],
    ['a.node-restriction.kubernetes.io/x', true],
    ['notk8s.io/x', false],
  ];
  for (const [key, forbidden] of table)
    it(`${key}: ${forbidden ? 'forbidden' : 'allowed'}`, () => {
      assert.deepEqual(forbiddenNodeLabels({ [key]: 'a' }, {}), forbidden ? [key] : []);
      assert.deepEqual(forbiddenNodeLabels({}, { [key]: 'a' }), forbidden ? [key] : []);
      assert.deepEqual(forbiddenNodeLabels({ [key]: 'a' }, { [key]: 'a' }), []);
    });
});
