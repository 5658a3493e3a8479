import {
  type ExtraRole,
  serviceAccountGroups,
  serviceAccountUsername,
  userOfNode,
} from '../apiserver/auth/index.ts';
import type { UserInfo } from '../apiserver/index.ts';

// Who each component is. Nobody but the administrator is a member of system:masters.

const AUTHENTICATED = 'system:authenticated';
const NAMESPACE = 'kube-system';

/** Who the kubeconfig is for. */
export const ADMINISTRATOR: UserInfo = Object.freeze({
  name: 'kubernetes-admin',
  groups: Object.freeze(['system:masters', AUTHENTICATED]),
});

function user(name: string): UserInfo {
  return Object.freeze({ name, groups: Object.freeze([AUTHENTICATED]) });
}

function account(name: string): UserInfo {
  return Object.freeze({
    name: serviceAccountUsername(NAMESPACE, name),
    groups: Object.freeze([...serviceAccountGroups(NAMESPACE), AUTHENTICATED]),
  });
}

/** A controller of kube-controller-manager: its role is system:controller:NAME (--use-service-account-credentials). */
export const controllerUser = account;

export const KUBE_SCHEDULER = user('system:kube-scheduler');
/** Parts of kube-controller-manager that have no account of their own. */
export const KUBE_CONTROLLER_MANAGER = user('system:kube-controller-manager');
export const nodeUser = userOfNode;

/** Who reads for the informers that the components of this process share. */
export const INFORMERS = account('stowage-informers');
export const CSI_PROVISIONER = account('csi-provisioner');
export const CSI_ATTACHER = account('csi-attacher');
export const CSI_HEALTH_MONITOR = account('csi-external-health-monitor-controller');
export const CSI_RESIZER = account('csi-resizer');
export const CSI_SNAPSHOTTER = account('csi-snapshotter');
export const CSI_SNAPSHOT_METADATA = account('csi-snapshot-metadata');
export const SNAPSHOT_CONTROLLER = account('snapshot-controller');
export const DATA_SOURCE_VALIDATOR = account('volume-data-source-validator');
export const LOCAL_PROVISIONER = account('local-static-provisioner');
export const LOCAL_NODE_CLEANUP = account('local-volume-node-cleanup-controller');

const SECRETS = 'get,list | core | secrets';
const LEASES = 'create,delete,get,list,update,watch | coordination.k8s.io | leases';

/** The roles of those that upstream's bootstrap policy does not know; sidecars as in their deploy/kubernetes/rbac.yaml. */
export const EXTRA_ROLES: readonly ExtraRole[] = [
  {
    name: 'system:stowage:informers',
    rules: ['list,watch | * | *'],
    subjects: [`ServiceAccount ${NAMESPACE}/stowage-informers`],
  },
  {
    name: 'external-provisioner-runner',
    rules: [
      SECRETS,
      'create,delete,get,list,patch,watch | core | persistentvolumes',
      'get,list,update,watch | core | persistentvolumeclaims',
      'read | storage.k8s.io | storageclasses',
      // Upstream leaves this one to whoever uses such classes.
      'get | storage.k8s.io | volumeattributesclasses',
      'create,list,patch,update,watch | core | events',
      'get,list,update,watch | snapshot.storage.k8s.io | volumesnapshots',
      'get,list | snapshot.storage.k8s.io | volumesnapshotcontents',
      'read | storage.k8s.io | csinodes',
      'read | core | nodes',
      'read | storage.k8s.io | volumeattachments',
      LEASES,
      'create,delete,get,list,patch,update,watch | storage.k8s.io | csistoragecapacities',
    ],
    subjects: [`ServiceAccount ${NAMESPACE}/csi-provisioner`],
  },
  {
    name: 'external-attacher-runner',
    rules: [
      SECRETS,
      'get,list,patch,watch | core | persistentvolumes',
      'read | storage.k8s.io | csinodes',
      'get,list,patch,watch | storage.k8s.io | volumeattachments',
      'patch | storage.k8s.io | volumeattachments/status',
      LEASES,
    ],
    subjects: [`ServiceAccount ${NAMESPACE}/csi-attacher`],
  },
  {
    name: 'external-resizer-runner',
    rules: [
      SECRETS,
      'get,list,patch,watch | core | persistentvolumes',
      'read | core | persistentvolumeclaims',
      'read | core | pods',
      'patch | core | persistentvolumeclaims/status',
      'create,list,patch,update,watch | core | events',
      'read | storage.k8s.io | volumeattributesclasses',
      LEASES,
    ],
    subjects: [`ServiceAccount ${NAMESPACE}/csi-resizer`],
  },
  {
    name: 'external-snapshotter-runner',
    rules: [
      SECRETS,
      'create,list,patch,update,watch | core | events',
      'read | snapshot.storage.k8s.io | volumesnapshotclasses',
      'get,list,patch,update,watch | snapshot.storage.k8s.io | volumesnapshotcontents',
      'patch,update | snapshot.storage.k8s.io | volumesnapshotcontents/status',
      'read | groupsnapshot.storage.k8s.io | volumegroupsnapshotclasses',
      'get,list,patch,update,watch | groupsnapshot.storage.k8s.io | volumegroupsnapshotcontents',
      'patch,update | groupsnapshot.storage.k8s.io | volumegroupsnapshotcontents/status',
      LEASES,
    ],
    subjects: [`ServiceAccount ${NAMESPACE}/csi-snapshotter`],
  },
  {
    name: 'external-snapshot-metadata-runner',
    rules: [
      'create,delete,get,list,patch,update,watch | cbt.storage.k8s.io | snapshotmetadataservices',
      'create,get | authentication.k8s.io | tokenreviews',
      'create,get | authorization.k8s.io | subjectaccessreviews',
      'get,list | snapshot.storage.k8s.io | volumesnapshots',
      'get,list | snapshot.storage.k8s.io | volumesnapshotcontents',
      // Upstream runs it with the rights of the csi-snapshotter beside it, which has these.
      'get,list | snapshot.storage.k8s.io | volumesnapshotclasses',
      'get | core | secrets',
    ],
    subjects: [`ServiceAccount ${NAMESPACE}/csi-snapshot-metadata`],
  },
  {
    name: 'snapshot-controller-runner',
    rules: [
      'read | core | persistentvolumes',
      // For distributed snapshotting.
      'read | core | nodes',
      'get,list,update,watch | core | persistentvolumeclaims',
      'create,list,patch,update,watch | core | events',
      'read | snapshot.storage.k8s.io | volumesnapshotclasses',
      'create,delete,get,list,patch,update,watch | snapshot.storage.k8s.io | volumesnapshotcontents',
      'patch | snapshot.storage.k8s.io | volumesnapshotcontents/status',
      'create,delete,get,list,patch,update,watch | snapshot.storage.k8s.io | volumesnapshots',
      'patch,update | snapshot.storage.k8s.io | volumesnapshots/status',
      'read | groupsnapshot.storage.k8s.io | volumegroupsnapshotclasses',
      'create,delete,get,list,patch,update,watch | groupsnapshot.storage.k8s.io | volumegroupsnapshotcontents',
      'patch | groupsnapshot.storage.k8s.io | volumegroupsnapshotcontents/status',
      'get,list,patch,update,watch | groupsnapshot.storage.k8s.io | volumegroupsnapshots',
      'patch,update | groupsnapshot.storage.k8s.io | volumegroupsnapshots/status',
      LEASES,
    ],
    subjects: [`ServiceAccount ${NAMESPACE}/snapshot-controller`],
  },
  {
    name: 'volume-data-source-validator',
    rules: [
      'read | populator.storage.k8s.io | volumepopulators',
      'read | core | persistentvolumeclaims',
      'create,list,patch,update,watch | core | events',
    ],
    subjects: [`ServiceAccount ${NAMESPACE}/volume-data-source-validator`],
  },
  {
    name: 'local-static-provisioner-node-clusterrole',
    rules: [
      'create,delete,get,list,watch | core | persistentvolumes',
      'read | storage.k8s.io | storageclasses',
      'create,patch,update | core | events',
      'get,update | core | nodes',
    ],
    subjects: [`ServiceAccount ${NAMESPACE}/local-static-provisioner`],
  },
  {
    // In the namespace of the provisioner, upstream: here Jobs are in the one that users look into.
    name: 'local-static-provisioner-jobs-role',
    rules: ['create,delete,get,list | batch | jobs'],
    subjects: [`ServiceAccount ${NAMESPACE}/local-static-provisioner`],
  },
  {
    name: 'local-volume-node-cleanup-controller-runner',
    rules: [
      'delete,get,list,watch | core | persistentvolumes',
      'delete,get,list,watch | core | persistentvolumeclaims',
      'read | core | nodes',
      // A repeated event is patched.
      'create,patch | core | events',
    ],
    subjects: [`ServiceAccount ${NAMESPACE}/local-volume-node-cleanup-controller`],
  },
  {
    name: 'external-health-monitor-controller-runner',
    rules: [
      'read | core | persistentvolumes',
      'read | core | persistentvolumeclaims',
      'read | core | nodes',
      'read | core | pods',
      'create,get,list,patch,watch | core | events',
      LEASES,
    ],
    subjects: [`ServiceAccount ${NAMESPACE}/csi-external-health-monitor-controller`],
  },
];
