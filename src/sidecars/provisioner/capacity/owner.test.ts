import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from '../../../client/index.ts';
import { type KubeObject, notFound, type Resource, type Stored } from '../../../kube/index.ts';
import { lookUpOwner } from './owner.ts';

const NAMESPACE = 'testns';

function object(
  apiVersion: string,
  kind: string,
  name: string,
  owner?: Stored<KubeObject>,
  namespace = NAMESPACE,
) {
  const ownerReferences = owner && [
    {
      apiVersion: owner.apiVersion,
      kind: owner.kind,
      name: owner.metadata.name,
      uid: owner.metadata.uid,
      controller: true,
    },
  ];
  const uid = `${kind}-${namespace}-${name}`;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, ownerReferences },
  } as unknown as Stored<KubeObject>;
}

const statefulSet = object('apps/v1', 'StatefulSet', 'foo');
const deployment = object('apps/v1', 'Deployment', 'foo');
const replicaSet = object('apps/v1', 'ReplicaSet', 'foo', deployment);
const pod = object('v1', 'Pod', 'foo');
const podOfStatefulSet = object('v1', 'Pod', 'foo', statefulSet);
const podOfDeployment = object('v1', 'Pod', 'foo', replicaSet);
const custom = object('example.com/v1', 'Database', 'foo');

/** A server that has these objects only. */
function clientOf(...objects: readonly Stored<KubeObject>[]): Client {
  const get = async ({ kind, plural, group }: Resource, name: { name: string; namespace?: string }) => {
    const found = objects.find(
      ({ kind: of, metadata }) =>
        of === kind && metadata.name === name.name && metadata.namespace === name.namespace,
    );
    if (!found) throw notFound({ group, plural }, name.name);
    return found;
  };
  return { get } as unknown as Client;
}

describe('the owner of what a pod makes', () => {
  const good: [what: string, objects: Stored<KubeObject>[], levels: number, owner: Stored<KubeObject>][] = [
    ['the pod itself', [pod], 0, pod],
    ['its parent, which need not exist', [podOfStatefulSet], 1, statefulSet],
    ['its grandparent, which need not exist', [podOfDeployment, replicaSet], 2, deployment],
  ];
  for (const [what, objects, levels, { apiVersion, kind, metadata }] of good)
    it(what, async () =>
      assert.deepEqual(
        await lookUpOwner(clientOf(...objects), { namespace: NAMESPACE, name: 'foo' }, levels),
        {
          apiVersion,
          kind,
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
        },
      ),
    );

  const bad: [what: string, objects: Stored<KubeObject>[], levels: number, error: RegExp][] = [
    ['no pod', [], 0, /^Error: get object: pods "foo" not found$/],
    ['no parent', [pod], 1, /v1\/Pod "foo" in namespace "testns" has no controlling owner, cannot unwind/],
    ['a parent that is gone', [podOfDeployment], 2, /get object: replicasets.apps "foo" not found/],
    [
      'a parent of another name',
      [podOfDeployment, object('apps/v1', 'ReplicaSet', 'bar', deployment)],
      2,
      /not found/,
    ],
    [
      'a parent in another namespace',
      [podOfDeployment, object('apps/v1', 'ReplicaSet', 'foo', deployment, 'other')],
      2,
      /not found/,
    ],
    [
      'a parent of a kind that nobody knows',
      [object('v1', 'Pod', 'foo', custom)],
      2,
      /get object: no matches for kind "Database" in version "example.com\/v1"/,
    ],
  ];
  for (const [what, objects, levels, error] of bad)
    it(`is refused for ${what}`, () =>
      assert.rejects(
        lookUpOwner(clientOf(...objects), { namespace: NAMESPACE, name: 'foo' }, levels),
        error,
      ));
});
