import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { bootstrapPolicy } from '../apiserver/auth/index.ts';
import { createRegistry, openStore, type Registry, type UserInfo } from '../apiserver/index.ts';
import { FakeClock, seededRandom } from '../base/index.ts';
import { createLinuxHost } from '../host/linux/index.ts';
import { controlPlane } from './control-plane.ts';
import {
  ADMINISTRATOR,
  CSI_ATTACHER,
  CSI_HEALTH_MONITOR,
  CSI_PROVISIONER,
  CSI_RESIZER,
  CSI_SNAPSHOT_METADATA,
  CSI_SNAPSHOTTER,
  controllerUser,
  DATA_SOURCE_VALIDATOR,
  EXTRA_ROLES,
  INFORMERS,
  KUBE_CONTROLLER_MANAGER,
  KUBE_SCHEDULER,
  LOCAL_NODE_CLEANUP,
  LOCAL_PROVISIONER,
  nodeUser,
  SNAPSHOT_CONTROLLER,
} from './identities.ts';

describe('what components may do', () => {
  let registry: Registry;
  before(async () => {
    const clock = new FakeClock();
    const store = await openStore({ memory: true, clock });
    registry = await createRegistry({ store, clock, random: seededRandom(1) });
    await bootstrapPolicy(registry, EXTRA_ROLES);
  });
  /** `verb resource[/subresource][.group]`, anywhere and of any name. */
  const may = (user: UserInfo, request: string): boolean => {
    const [verb = '', what = ''] = request.split(' ');
    const [path = '', ...group] = what.split('.');
    const [resource = '', subresource] = path.split('/');
    const attributes = {
      verb,
      resource,
      subresource,
      group: group.join('.'),
      namespace: 'default',
      name: 'x',
    };
    return registry.authorization.authorizer.decide(user, attributes).allowed;
  };
  const host = createLinuxHost({ clock: new FakeClock() });
  const users = (): UserInfo[] => [
    ...controlPlane({ rootCa: '', signSecretToken: async () => '', host }).map(({ user }) => user),
    INFORMERS,
    CSI_PROVISIONER,
    CSI_ATTACHER,
    CSI_HEALTH_MONITOR,
    CSI_RESIZER,
    nodeUser('n1'),
  ];

  const table: [who: UserInfo, may: string[], mayNot: string[]][] = [
    [
      INFORMERS,
      ['list pods', 'watch persistentvolumes', 'list volumeattachments.storage.k8s.io'],
      ['get pods', 'create events', 'update pods', 'patch pods/status', 'delete nodes', 'impersonate users'],
    ],
    [
      KUBE_SCHEDULER,
      [
        'create pods/binding',
        'patch pods/status',
        'update persistentvolumeclaims',
        'delete pods',
        'create events',
      ],
      [
        'create pods',
        'update pods',
        'delete persistentvolumes',
        'get secrets',
        'update nodes',
        'create volumeattachments.storage.k8s.io',
      ],
    ],
    [
      KUBE_CONTROLLER_MANAGER,
      ['update secrets', 'list statefulsets.apps', 'get serviceaccounts'],
      ['delete pods', 'update persistentvolumes', 'create roles.rbac.authorization.k8s.io'],
    ],
    [
      controllerUser('persistent-volume-binder'),
      ['create persistentvolumes', 'update persistentvolumeclaims/status', 'delete persistentvolumes'],
      ['update pods', 'create volumeattachments.storage.k8s.io', 'create statefulsets.apps', 'update nodes'],
    ],
    [
      controllerUser('attachdetach-controller'),
      ['create volumeattachments.storage.k8s.io', 'patch nodes/status'],
      [
        'update nodes',
        'delete pods',
        'update persistentvolumes',
        'get secrets',
        'patch volumeattachments.storage.k8s.io',
      ],
    ],
    [
      controllerUser('statefulset-controller'),
      ['create pods', 'create persistentvolumeclaims', 'update statefulsets/status.apps'],
      [
        'create persistentvolumes',
        'update statefulsets.apps',
        'get secrets',
        'delete statefulsets.apps',
        'create pods/binding',
      ],
    ],
    [
      controllerUser('deployment-controller'),
      ['create replicasets.apps', 'update deployments/status.apps'],
      ['create pods', 'delete pods', 'patch deployments/status.apps', 'get secrets'],
    ],
    [
      controllerUser('replicaset-controller'),
      ['create pods', 'delete pods', 'update replicasets/status.apps'],
      ['create replicasets.apps', 'patch replicasets/status.apps', 'create persistentvolumeclaims'],
    ],
    [
      controllerUser('daemon-set-controller'),
      ['create pods', 'create controllerrevisions.apps', 'update daemonsets/status.apps'],
      ['update nodes', 'create persistentvolumeclaims', 'get secrets'],
    ],
    [
      controllerUser('job-controller'),
      ['create pods', 'patch pods', 'update jobs/status.batch'],
      ['create jobs.batch', 'create persistentvolumeclaims', 'get secrets'],
    ],
    [
      controllerUser('resourcequota-controller'),
      ['update resourcequotas/status', 'list pods'],
      ['get secrets', 'update resourcequotas', 'delete pods'],
    ],
    [
      controllerUser('pvc-protection-controller'),
      ['update persistentvolumeclaims', 'list pods'],
      ['delete persistentvolumeclaims', 'update persistentvolumes', 'update pods', 'get secrets'],
    ],
    [
      controllerUser('pv-protection-controller'),
      ['update persistentvolumes'],
      ['delete persistentvolumes', 'update persistentvolumeclaims', 'list pods'],
    ],
    [
      controllerUser('pod-garbage-collector'),
      ['delete pods', 'patch pods/status'],
      ['create pods', 'delete nodes', 'create events', 'get secrets'],
    ],
    [
      controllerUser('node-controller'),
      ['patch nodes', 'delete pods', 'patch pods/status'],
      ['create pods', 'get secrets', 'update persistentvolumes'],
    ],
    [
      controllerUser('generic-garbage-collector'),
      ['delete pods', 'patch persistentvolumeclaims', 'get secrets'],
      ['create pods', 'impersonate users', 'escalate clusterroles.rbac.authorization.k8s.io'],
    ],
    [
      controllerUser('namespace-controller'),
      ['deletecollection secrets', 'update namespaces/finalize', 'update namespaces/status'],
      ['create pods', 'update pods', 'patch secrets', 'create namespaces'],
    ],
    [
      controllerUser('clusterrole-aggregation-controller'),
      ['patch clusterroles.rbac.authorization.k8s.io', 'escalate clusterroles.rbac.authorization.k8s.io'],
      [
        'patch roles.rbac.authorization.k8s.io',
        'create clusterrolebindings.rbac.authorization.k8s.io',
        'create clusterroles.rbac.authorization.k8s.io',
      ],
    ],
    [
      controllerUser('service-account-controller'),
      ['create serviceaccounts'],
      ['update serviceaccounts', 'create serviceaccounts/token', 'get secrets'],
    ],
    [
      controllerUser('root-ca-cert-publisher'),
      ['create configmaps', 'update configmaps'],
      ['get configmaps', 'delete configmaps', 'get secrets'],
    ],
    [
      CSI_PROVISIONER,
      ['create persistentvolumes', 'patch persistentvolumes', 'delete persistentvolumes', 'get secrets'],
      [
        'update persistentvolumes',
        'delete persistentvolumeclaims',
        'list pods',
        'patch volumeattachments.storage.k8s.io',
        'create secrets',
      ],
    ],
    [
      CSI_SNAPSHOTTER,
      [
        'get secrets',
        'patch volumesnapshotcontents.snapshot.storage.k8s.io',
        'update volumesnapshotcontents/status.snapshot.storage.k8s.io',
        'update volumegroupsnapshotcontents/status.groupsnapshot.storage.k8s.io',
      ],
      [
        'create volumesnapshotcontents.snapshot.storage.k8s.io',
        'delete volumesnapshotcontents.snapshot.storage.k8s.io',
        'update volumesnapshots.snapshot.storage.k8s.io',
        'list persistentvolumes',
      ],
    ],
    [
      SNAPSHOT_CONTROLLER,
      [
        'create volumesnapshotcontents.snapshot.storage.k8s.io',
        'update volumesnapshots/status.snapshot.storage.k8s.io',
        'create volumesnapshots.snapshot.storage.k8s.io',
        'update persistentvolumeclaims',
        'get persistentvolumes',
      ],
      [
        'get secrets',
        'update persistentvolumes',
        'delete persistentvolumeclaims',
        'update volumesnapshotcontents/status.snapshot.storage.k8s.io',
      ],
    ],
    [
      DATA_SOURCE_VALIDATOR,
      ['list persistentvolumeclaims', 'watch volumepopulators.populator.storage.k8s.io', 'create events'],
      ['update persistentvolumeclaims', 'list secrets', 'create volumepopulators.populator.storage.k8s.io'],
    ],
    [
      CSI_SNAPSHOT_METADATA,
      [
        'create tokenreviews.authentication.k8s.io',
        'create subjectaccessreviews.authorization.k8s.io',
        'get volumesnapshots.snapshot.storage.k8s.io',
        'get volumesnapshotcontents.snapshot.storage.k8s.io',
        'get secrets',
        'update snapshotmetadataservices.cbt.storage.k8s.io',
      ],
      [
        'update volumesnapshots.snapshot.storage.k8s.io',
        'list secrets',
        'list persistentvolumes',
        'create events',
      ],
    ],
    [
      LOCAL_NODE_CLEANUP,
      ['delete persistentvolumes', 'delete persistentvolumeclaims', 'watch nodes', 'create events'],
      ['update persistentvolumes', 'delete nodes', 'delete pods', 'get secrets'],
    ],
    [
      LOCAL_PROVISIONER,
      [
        'create persistentvolumes',
        'delete persistentvolumes',
        'watch storageclasses.storage.k8s.io',
        'update nodes',
        'create jobs.batch',
        'create events',
      ],
      [
        'update persistentvolumes',
        'list persistentvolumeclaims',
        'list nodes',
        'create pods',
        'list secrets',
        'create storageclasses.storage.k8s.io',
      ],
    ],
    [
      CSI_ATTACHER,
      [
        'patch volumeattachments.storage.k8s.io',
        'patch volumeattachments/status.storage.k8s.io',
        'patch persistentvolumes',
      ],
      [
        'create volumeattachments.storage.k8s.io',
        'delete volumeattachments.storage.k8s.io',
        'create persistentvolumes',
        'list pods',
        'update persistentvolumeclaims',
      ],
    ],
    [
      CSI_RESIZER,
      [
        'patch persistentvolumes',
        'patch persistentvolumeclaims/status',
        'list pods',
        'get secrets',
        'watch volumeattributesclasses.storage.k8s.io',
      ],
      [
        'create persistentvolumes',
        'patch persistentvolumeclaims',
        'update persistentvolumeclaims',
        'update volumeattributesclasses.storage.k8s.io',
        'patch pods',
      ],
    ],
    [
      CSI_HEALTH_MONITOR,
      ['list persistentvolumes', 'watch persistentvolumeclaims', 'list pods', 'create events'],
      [
        'get secrets',
        'update persistentvolumeclaims',
        'patch persistentvolumes',
        'delete pods',
        'update nodes',
      ],
    ],
    [
      nodeUser('n1'),
      ['create events', 'patch nodes/status', 'patch pods/status', 'list csidrivers.storage.k8s.io'],
      [
        'get secrets',
        'list secrets',
        'get persistentvolumes',
        'get persistentvolumeclaims',
        'create persistentvolumes',
        'update pods',
        'delete nodes',
        'create volumeattachments.storage.k8s.io',
        'list nodes',
      ],
    ],
  ];
  for (const [who, allowed, refused] of table)
    it(`${who.name} may do its work and no more`, () => {
      for (const request of allowed) assert.equal(may(who, request), true, `may ${request}`);
      for (const request of refused) assert.equal(may(who, request), false, `may not ${request}`);
    });

  it('nobody but the administrator is a master, takes roles to himself, or acts as another', () => {
    assert.ok(ADMINISTRATOR.groups.includes('system:masters'));
    for (const user of users()) {
      assert.ok(!user.groups.includes('system:masters'), user.name);
      for (const request of [
        'create clusterrolebindings.rbac.authorization.k8s.io',
        'create clusterroles.rbac.authorization.k8s.io',
        'bind clusterroles.rbac.authorization.k8s.io',
        'impersonate users',
        'impersonate groups',
      ])
        assert.equal(may(user, request), false, `${user.name} may ${request}`);
    }
  });

  it('every part of the control plane is somebody whom a role is bound to', () => {
    for (const user of users()) {
      const { rules } = registry.authorization.rbac.rulesFor(user, 'kube-system');
      const own = rules.filter(({ resources }) => resources?.some((name) => !name.startsWith('selfsubject')));
      // Nodes have their authorizer.
      assert.ok(own.length > 0 || user.name.startsWith('system:node:'), user.name);
    }
  });
});
