import type {
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  ControllerRevision,
  CronJob,
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  CustomResourceDefinition,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  EventsV1Event,
  Job,
  KubeObject,
  Lease,
  LimitRange,
  LocalSubjectAccessReview,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  PodTemplate,
  PriorityClass,
  ReplicaSet,
  ResourceQuota,
  Role,
  RoleBinding,
  Secret,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
  Service,
  ServiceAccount,
  StatefulSet,
  StorageClass,
  SubjectAccessReview,
  TokenReview,
  VolumeAttachment,
  VolumeAttributesClass,
} from './types.ts';

/**
 * A kind of object and where it is served: what a client needs to address it. `T` is the object's type.
 * What the API server does with it (validation, columns, …) is in apiserver/registry.
 */
export interface Resource<T extends KubeObject = KubeObject> {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Never set: carries T. */
  readonly type?: T;
}

function define<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  options: { namespaced?: boolean; shortNames?: string[]; categories?: string[] } = {},
): Resource<T> {
  const [group, version] = apiVersion.includes('/')
    ? (apiVersion.split('/') as [string, string])
    : ['', apiVersion];
  return Object.freeze({
    group,
    version,
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames: options.shortNames ?? [],
    categories: options.categories ?? [],
    namespaced: options.namespaced ?? true,
  });
}

const cluster = { namespaced: false };

export const namespaces = define<Namespace>('v1', 'Namespace', 'namespaces', {
  ...cluster,
  shortNames: ['ns'],
});
export const nodes = define<Node>('v1', 'Node', 'nodes', { ...cluster, shortNames: ['no'] });
export const pods = define<Pod>('v1', 'Pod', 'pods', { shortNames: ['po'], categories: ['all'] });
export const persistentVolumes = define<PersistentVolume>('v1', 'PersistentVolume', 'persistentvolumes', {
  ...cluster,
  shortNames: ['pv'],
});
export const persistentVolumeClaims = define<PersistentVolumeClaim>(
  'v1',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
  { shortNames: ['pvc'] },
);
export const secrets = define<Secret>('v1', 'Secret', 'secrets');
export const configMaps = define<ConfigMap>('v1', 'ConfigMap', 'configmaps', { shortNames: ['cm'] });
export const services = define<Service>('v1', 'Service', 'services', {
  shortNames: ['svc'],
  categories: ['all'],
});
export const serviceAccounts = define<ServiceAccount>('v1', 'ServiceAccount', 'serviceaccounts', {
  shortNames: ['sa'],
});
export const endpoints = define<Endpoints>('v1', 'Endpoints', 'endpoints', { shortNames: ['ep'] });
export const resourceQuotas = define<ResourceQuota>('v1', 'ResourceQuota', 'resourcequotas', {
  shortNames: ['quota'],
});
export const limitRanges = define<LimitRange>('v1', 'LimitRange', 'limitranges', { shortNames: ['limits'] });
export const podTemplates = define<PodTemplate>('v1', 'PodTemplate', 'podtemplates');
export const events = define<Event>('v1', 'Event', 'events', { shortNames: ['ev'] });
/** The newer form of the same events. */
export const eventsV1 = define<EventsV1Event>('events.k8s.io/v1', 'Event', 'events', { shortNames: ['ev'] });
export const statefulSets = define<StatefulSet>('apps/v1', 'StatefulSet', 'statefulsets', {
  shortNames: ['sts'],
  categories: ['all'],
});
export const controllerRevisions = define<ControllerRevision>(
  'apps/v1',
  'ControllerRevision',
  'controllerrevisions',
);
export const deployments = define<Deployment>('apps/v1', 'Deployment', 'deployments', {
  shortNames: ['deploy'],
  categories: ['all'],
});
export const replicaSets = define<ReplicaSet>('apps/v1', 'ReplicaSet', 'replicasets', {
  shortNames: ['rs'],
  categories: ['all'],
});
export const daemonSets = define<DaemonSet>('apps/v1', 'DaemonSet', 'daemonsets', {
  shortNames: ['ds'],
  categories: ['all'],
});
export const jobs = define<Job>('batch/v1', 'Job', 'jobs', { categories: ['all'] });
export const cronJobs = define<CronJob>('batch/v1', 'CronJob', 'cronjobs', {
  shortNames: ['cj'],
  categories: ['all'],
});
export const podDisruptionBudgets = define<PodDisruptionBudget>(
  'policy/v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
  { shortNames: ['pdb'] },
);
export const endpointSlices = define<EndpointSlice>('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices');
export const storageClasses = define<StorageClass>('storage.k8s.io/v1', 'StorageClass', 'storageclasses', {
  ...cluster,
  shortNames: ['sc'],
});
export const volumeAttachments = define<VolumeAttachment>(
  'storage.k8s.io/v1',
  'VolumeAttachment',
  'volumeattachments',
  cluster,
);
export const csiNodes = define<CSINode>('storage.k8s.io/v1', 'CSINode', 'csinodes', cluster);
export const csiDrivers = define<CSIDriver>('storage.k8s.io/v1', 'CSIDriver', 'csidrivers', cluster);
export const csiStorageCapacities = define<CSIStorageCapacity>(
  'storage.k8s.io/v1',
  'CSIStorageCapacity',
  'csistoragecapacities',
);
export const volumeAttributesClasses = define<VolumeAttributesClass>(
  'storage.k8s.io/v1',
  'VolumeAttributesClass',
  'volumeattributesclasses',
  { ...cluster, shortNames: ['vac'] },
);
export const leases = define<Lease>('coordination.k8s.io/v1', 'Lease', 'leases');
export const priorityClasses = define<PriorityClass>(
  'scheduling.k8s.io/v1',
  'PriorityClass',
  'priorityclasses',
  { ...cluster, shortNames: ['pc'] },
);
export const roles = define<Role>('rbac.authorization.k8s.io/v1', 'Role', 'roles');
export const roleBindings = define<RoleBinding>(
  'rbac.authorization.k8s.io/v1',
  'RoleBinding',
  'rolebindings',
);
export const clusterRoles = define<ClusterRole>(
  'rbac.authorization.k8s.io/v1',
  'ClusterRole',
  'clusterroles',
  cluster,
);
export const clusterRoleBindings = define<ClusterRoleBinding>(
  'rbac.authorization.k8s.io/v1',
  'ClusterRoleBinding',
  'clusterrolebindings',
  cluster,
);
export const subjectAccessReviews = define<SubjectAccessReview>(
  'authorization.k8s.io/v1',
  'SubjectAccessReview',
  'subjectaccessreviews',
  cluster,
);
export const selfSubjectAccessReviews = define<SelfSubjectAccessReview>(
  'authorization.k8s.io/v1',
  'SelfSubjectAccessReview',
  'selfsubjectaccessreviews',
  cluster,
);
export const localSubjectAccessReviews = define<LocalSubjectAccessReview>(
  'authorization.k8s.io/v1',
  'LocalSubjectAccessReview',
  'localsubjectaccessreviews',
);
export const selfSubjectRulesReviews = define<SelfSubjectRulesReview>(
  'authorization.k8s.io/v1',
  'SelfSubjectRulesReview',
  'selfsubjectrulesreviews',
  cluster,
);
export const customResourceDefinitions = define<CustomResourceDefinition>(
  'apiextensions.k8s.io/v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  { ...cluster, shortNames: ['crd', 'crds'], categories: ['api-extensions'] },
);

/** Every built-in resource. Adding a kind starts with a row here. */
export const resources: readonly Resource[] = [
  namespaces,
  nodes,
  pods,
  persistentVolumes,
  persistentVolumeClaims,
  secrets,
  configMaps,
  services,
  serviceAccounts,
  endpoints,
  resourceQuotas,
  limitRanges,
  podTemplates,
  events,
  statefulSets,
  controllerRevisions,
  deployments,
  replicaSets,
  daemonSets,
  jobs,
  cronJobs,
  podDisruptionBudgets,
  endpointSlices,
  storageClasses,
  volumeAttachments,
  csiNodes,
  csiDrivers,
  csiStorageCapacities,
  volumeAttributesClasses,
  leases,
  priorityClasses,
  roles,
  roleBindings,
  clusterRoles,
  clusterRoleBindings,
  customResourceDefinitions,
  eventsV1,
];

export const tokenReviews = define<TokenReview>(
  'authentication.k8s.io/v1',
  'TokenReview',
  'tokenreviews',
  cluster,
);
export const selfSubjectReviews = define<SelfSubjectReview>(
  'authentication.k8s.io/v1',
  'SelfSubjectReview',
  'selfsubjectreviews',
  cluster,
);

/** Kinds that are posted and answered: nothing of them is stored, so they cannot be read. */
export const reviews: readonly Resource[] = [
  tokenReviews,
  selfSubjectReviews,
  subjectAccessReviews,
  selfSubjectAccessReviews,
  localSubjectAccessReviews,
  selfSubjectRulesReviews,
];

/** 'v1' or 'apps/v1': the apiVersion of a resource's objects. */
export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** 'pods' or 'statefulsets.apps': how messages and kubectl name a resource. */
export function qualifiedName(resource: Pick<Resource, 'group' | 'plural'>): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** The built-in resource of an object's apiVersion and kind. */
export function resourceOf(apiVersion: string, kind: string): Resource | undefined {
  return resources.find((resource) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
}
