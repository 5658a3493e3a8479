import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { persistentVolumes, pods, volumeAttachments } from '../../../../kube/index.ts';
import { podNamed, startRegistry } from '../../../registry/testing.ts';
import type { Authorizer } from '../contract.ts';
import { userOfNode } from './identity.ts';

const NO_RELATION = "no relationship found between node 'n1' and this object";

describe('the node authorizer', () => {
  let authorizer: Authorizer;
  let remove: () => Promise<unknown>;
  before(async () => {
    const { registry, client } = await startRegistry();
    ({ authorizer } = registry.authorization);
    // The graph is made at the first question: what comes later has to reach it too.
    authorizer.decide(userOfNode('n1'), {
      verb: 'get',
      group: '',
      resource: 'secrets',
      namespace: 'x',
      name: 'y',
    });
    const spec = {
      serviceAccountName: 'robot',
      imagePullSecrets: [{ name: 'pull' }],
      containers: [
        {
          name: 'main',
          image: 'i',
          envFrom: [{ secretRef: { name: 'env' } }, { configMapRef: { name: 'env-map' } }],
        },
      ],
      volumes: [
        { name: 'claim', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'own', ephemeral: { volumeClaimTemplate: { spec: claimSpec } } },
        {
          name: 'all',
          projected: { sources: [{ secret: { name: 'part' } }, { configMap: { name: 'map' } }] },
        },
      ],
    };
    await client.create(pods, { ...podNamed('db', { ...spec, nodeName: 'n1' }) } as never);
    await client.create(
      pods,
      podNamed('idle', { ...spec, nodeName: 'n2', imagePullSecrets: [{ name: 'p2' }] }) as never,
    );
    await client.create(pods, {
      ...podNamed('mirror', {
        nodeName: 'n1',
        volumes: [{ name: 's', secret: { secretName: 'coveted' } }],
      }),
      metadata: { namespace: 'default', name: 'mirror', annotations: { 'kubernetes.io/config.mirror': 'x' } },
    } as never);
    await client.create(persistentVolumes, {
      metadata: { name: 'pv' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        claimRef: { namespace: 'default', name: 'data', uid: 'u' },
        csi: {
          driver: 'd.example.com',
          volumeHandle: 'h',
          nodeStageSecretRef: { namespace: 'vault', name: 'stage' },
          controllerPublishSecretRef: { namespace: 'vault', name: 'controller' },
        },
      },
    } as never);
    for (const nodeName of ['n1', 'n2'])
      await client.create(volumeAttachments, {
        metadata: { name: `va-${nodeName}` },
        spec: { attacher: 'd.example.com', nodeName, source: { persistentVolumeName: 'pv' } },
      });
    remove = () => client.delete(pods, { namespace: 'default', name: 'db' }, { gracePeriodSeconds: 0 });
  });
  const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

  /** `verb resource[/subresource][.group] [namespace/]name` */
  const decide = (text: string, fieldSelector?: string) => {
    const [verb = '', what = '', where = ''] = text.split(' ');
    const [path = '', ...group] = what.split('.');
    const [resource = '', subresource] = path.split('/');
    const slash = where.indexOf('/');
    const [field = '', value = ''] = (fieldSelector ?? '').split('=');
    return authorizer.decide(userOfNode('n1'), {
      verb,
      resource,
      subresource,
      group: group.join('.'),
      namespace: slash < 0 ? '' : where.slice(0, slash),
      name: where.slice(slash + 1),
      ...(fieldSelector ? { fieldSelector: [{ path: field, equals: true, value }] } : {}),
    });
  };

  const allowed = [
    'get secrets default/env',
    'list secrets default/part',
    'watch secrets default/pull',
    'get configmaps default/env-map',
    'get configmaps default/map',
    'get persistentvolumeclaims default/data',
    'get persistentvolumeclaims default/db-own',
    'patch persistentvolumeclaims/status default/data',
    'get persistentvolumes pv',
    'get secrets vault/stage',
    'get volumeattachments.storage.k8s.io va-n1',
    'get serviceaccounts default/robot',
    'create serviceaccounts/token default/robot',
    'get leases.coordination.k8s.io kube-node-lease/n1',
    'create leases.coordination.k8s.io kube-node-lease/',
    'update csinodes.storage.k8s.io n1',
    'create csinodes.storage.k8s.io',
    'get nodes n1',
    'patch nodes/status n1',
    'get pods default/db',
    'patch pods/status default/db',
    'delete pods default/db',
    'create pods/eviction default/db',
    'list csidrivers.storage.k8s.io',
    'create events default/',
    'list services',
  ];
  for (const request of allowed)
    it(`allows ${request}`, () => assert.deepEqual(decide(request), { allowed: true, reason: '' }));

  const refused: [request: string, why: string][] = [
    ['get secrets default/p2', NO_RELATION],
    ['get secrets default/coveted', NO_RELATION],
    ['get secrets vault/controller', NO_RELATION],
    ['get secrets other/env', NO_RELATION],
    ['list secrets default/', 'No Object name found'],
    ['list secrets', 'can only read namespaced object of this type'],
    ['update secrets default/env', 'can only read resources of this type'],
    ['get configmaps default/none', NO_RELATION],
    ['list persistentvolumeclaims default/data', 'can only get individual resources of this type'],
    ['get persistentvolumeclaims/status default/data', 'can only get/update/patch this type'],
    ['get persistentvolumes other', NO_RELATION],
    ['get volumeattachments.storage.k8s.io va-n2', NO_RELATION],
    ['update serviceaccounts default/robot', 'can only create tokens for individual service accounts'],
    ['create serviceaccounts/token default/other', NO_RELATION],
    [
      'get leases.coordination.k8s.io default/n1',
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    [
      'update leases.coordination.k8s.io kube-node-lease/n2',
      'can only access node lease with the same name as the requesting node',
    ],
    [
      'list leases.coordination.k8s.io kube-node-lease/',
      'can only get, create, update, patch, or delete a node lease',
    ],
    [
      'delete csinodes.storage.k8s.io n2',
      'can only access CSINode with the same name as the requesting node',
    ],
    ['get nodes n2', "node 'n1' cannot read 'n2', only its own Node object"],
    ['list nodes', "node 'n1' cannot read all nodes, only its own Node object"],
    ['delete nodes n1', ''],
    ['get pods default/idle', NO_RELATION],
    ['list pods', 'can only list/watch pods with spec.nodeName field selector'],
    ['update pods default/db', ''],
    ['create persistentvolumes', 'can only get individual resources of this type'],
    ['list storageclasses.storage.k8s.io', ''],
  ];
  for (const [request, reason] of refused)
    it(`refuses ${request}`, () => assert.deepEqual(decide(request), { allowed: false, reason }));

  it('lists pods with the selector of its own node only', () => {
    assert.equal(decide('list pods', 'spec.nodeName=n1').allowed, true);
    assert.equal(decide('watch pods', 'spec.nodeName=n2').allowed, false);
  });

  it('is about members of system:nodes only', () => {
    const impostor = { name: 'system:node:n1', groups: ['system:authenticated'] };
    assert.equal(
      authorizer.decide(impostor, { verb: 'get', group: '', resource: 'nodes', name: 'n1' }).allowed,
      false,
    );
    const nameless = { name: 'system:node:', groups: ['system:nodes'] };
    assert.deepEqual(authorizer.decide(nameless, { verb: 'get', group: '', resource: 'nodes' }), {
      allowed: false,
      reason: 'unknown node for user "system:node:"',
    });
  });

  it('forgets what a pod referred to once the pod has gone', async () => {
    await remove();
    for (const request of ['get secrets default/env', 'get secrets vault/stage', 'get persistentvolumes pv'])
      assert.deepEqual(decide(request), { allowed: false, reason: NO_RELATION });
    assert.equal(decide('get secrets default/p2').allowed, false);
  });
});
