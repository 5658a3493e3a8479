import type { KubeObject, Resource } from '../../../kube/index.ts';
import type { ResourceDefinition } from '../contract.ts';
import { defineResource, READ_VERBS } from './define.ts';

type Row = Pick<Resource, 'group' | 'version' | 'kind' | 'plural'> & Partial<Resource>;

/**
 * Kinds that nothing here acts on, but that kube-scheduler and kube-controller-manager keep informers of and will not
 * start without. They can be listed and watched, and are empty: what would have no effect cannot be made.
 */
const ROWS: readonly Row[] = [
  {
    group: '',
    version: 'v1',
    kind: 'ReplicationController',
    plural: 'replicationcontrollers',
    shortNames: ['rc'],
    categories: ['all'],
  },
  {
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    kind: 'ValidatingAdmissionPolicy',
    plural: 'validatingadmissionpolicies',
    namespaced: false,
    categories: ['api-extensions'],
  },
  {
    group: 'autoscaling',
    version: 'v2',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    shortNames: ['hpa'],
    categories: ['all'],
  },
  {
    group: 'certificates.k8s.io',
    version: 'v1',
    kind: 'CertificateSigningRequest',
    plural: 'certificatesigningrequests',
    namespaced: false,
    shortNames: ['csr'],
  },
  // What `kubectl apply --prune` looks through.
  {
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'Ingress',
    plural: 'ingresses',
    shortNames: ['ing'],
  },
  {
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'IPAddress',
    plural: 'ipaddresses',
    namespaced: false,
    shortNames: ['ip'],
  },
  {
    group: 'networking.k8s.io',
    version: 'v1',
    kind: 'ServiceCIDR',
    plural: 'servicecidrs',
    namespaced: false,
  },
  {
    group: 'resource.k8s.io',
    version: 'v1',
    kind: 'DeviceClass',
    plural: 'deviceclasses',
    namespaced: false,
  },
  { group: 'resource.k8s.io', version: 'v1', kind: 'ResourceClaim', plural: 'resourceclaims' },
  {
    group: 'resource.k8s.io',
    version: 'v1',
    kind: 'ResourceClaimTemplate',
    plural: 'resourceclaimtemplates',
  },
  {
    group: 'resource.k8s.io',
    version: 'v1',
    kind: 'ResourceSlice',
    plural: 'resourceslices',
    namespaced: false,
  },
];

export const listedOnlyDefinitions: readonly ResourceDefinition[] = ROWS.map((row) =>
  defineResource<KubeObject>(
    { singular: row.kind.toLowerCase(), shortNames: [], categories: [], namespaced: true, ...row },
    { verbs: READ_VERBS },
  ),
);
