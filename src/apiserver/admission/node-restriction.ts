import {
  type CSINode,
  csiDrivers,
  csiNodes,
  forbidden,
  type KubeObject,
  leases,
  type Node,
  nodes,
  notFound,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
  serviceAccounts,
} from '../../kube/index.ts';
import { nodeNameOf, type ReferenceKind, referencesOfSpec } from '../auth/authorization/index.ts';
import { equal } from '../registry/validation/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './contract.ts';
import { forbiddenNodeLabels } from './node-labels.ts';

// What a node may write (Kubernetes 1.36, plugin/pkg/admission/noderestriction).

const NODE_LEASES = 'kube-node-lease';
const ANN_MIRROR_POD = 'kubernetes.io/config.mirror';

/** A node writes what is its own, and of that only what is a node's to say. */
export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  operations: ['CREATE', 'UPDATE', 'DELETE'],
  resources: [pods, nodes, persistentVolumeClaims, serviceAccounts, leases, csiNodes],
  subresources: true,
  mutate(object, request) {
    restrict(request);
    return object;
  },
  validate(request) {
    // There is nothing to mutate in a deletion.
    if (request.operation === 'DELETE') restrict(request);
  },
};

function restrict(request: AdmissionRequest): void {
  const node = nodeNameOf(request.user);
  if (node === undefined) return;
  if (node === '') refuse(request, `could not determine node from user ${JSON.stringify(request.user.name)}`);
  RULES.get(request.resource.plural)?.(node, request);
}

const RULES: ReadonlyMap<string, (node: string, request: AdmissionRequest) => void> = new Map([
  [pods.plural, restrictPod],
  [nodes.plural, restrictNode],
  [persistentVolumeClaims.plural, restrictClaim],
  [serviceAccounts.plural, restrictToken],
  [leases.plural, restrictLease],
  [csiNodes.plural, restrictCSINode],
]);

function refuse(request: AdmissionRequest, why: string): never {
  throw forbidden(request.resource, request.name, why);
}

function restrictPod(node: string, request: AdmissionRequest): void {
  const { subresource = '', operation } = request;
  const who = `node ${JSON.stringify(node)}`;
  switch (subresource) {
    case '':
      if (operation === 'CREATE') restrictMirrorPod(node, request);
      else if (operation === 'UPDATE')
        refuse(request, `unexpected operation "UPDATE", ${who} can only create and delete mirror pods`);
      else if ((request.previous as Pod).spec?.nodeName !== node)
        refuse(request, `${who} can only delete pods with spec.nodeName set to itself`);
      return;
    case 'status': {
      const previous = request.previous as Stored<Pod>;
      if (previous.spec?.nodeName !== node)
        refuse(request, `${who} can only update pod status for pods with spec.nodeName set to itself`);
      if (!equal(request.object?.metadata?.labels ?? {}, previous.metadata.labels ?? {}))
        refuse(request, `${who} cannot update labels through pod status`);
      return;
    }
    case 'eviction': {
      const pod = request.reader.get(pods, request.namespace, request.name);
      if (!pod) throw notFound(pods, request.name);
      if (pod.spec?.nodeName !== node)
        refuse(request, `node ${node} can only evict pods with spec.nodeName set to itself`);
      return;
    }
    default:
      refuse(
        request,
        `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`,
      );
  }
}

function restrictMirrorPod(node: string, request: AdmissionRequest): void {
  const pod = request.object as Pod;
  const who = `node ${JSON.stringify(node)}`;
  if (pod.metadata?.annotations?.[ANN_MIRROR_POD] === undefined)
    refuse(request, `pod does not have "${ANN_MIRROR_POD}" annotation, ${who} can only create mirror pods`);
  if (pod.spec?.nodeName !== node)
    refuse(request, `${who} can only create pods with spec.nodeName set to itself`);
  const [owner, ...others] = pod.metadata?.ownerReferences ?? [];
  if (others.length > 0)
    refuse(request, `${who} can only create pods with a single owner reference set to itself`);
  const isOwn = owner?.apiVersion === 'v1' && owner.kind === 'Node' && owner.name === node;
  if (!isOwn) refuse(request, `${who} can only create pods with an owner reference set to itself`);
  if (!owner.controller)
    refuse(request, `${who} can only create pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion)
    refuse(request, `${who} must not set blockOwnerDeletion on an owner reference`);
  const itself = request.reader.get(nodes, undefined, node);
  if (!itself) throw notFound(nodes, node);
  if (itself.metadata.uid !== owner.uid)
    refuse(request, `node ${node} UID mismatch: expected ${owner.uid} got ${itself.metadata.uid}`);
  const referred = referredKind(pod);
  if (referred) refuse(request, `${who} can not create pods that reference ${referred}`);
}

const REFERRED: readonly (readonly [ReferenceKind, string])[] = [
  ['serviceAccount', 'serviceaccounts'],
  ['secret', 'secrets'],
  ['configMap', 'configmaps'],
];

/** The first kind of API object that a pod refers to, in upstream's order (HasAPIObjectReference). */
function referredKind(pod: Pod): string | undefined {
  const references = referencesOfSpec(pod);
  const [, plural] = REFERRED.find(([kind]) => references.some((one) => one.kind === kind)) ?? [];
  if (plural) return plural;
  for (const { csi, persistentVolumeClaim, ephemeral, projected } of pod.spec?.volumes ?? []) {
    if (csi) return 'csidrivers (via CSI volumes)';
    if (persistentVolumeClaim) return 'persistentvolumeclaims';
    if (ephemeral) return 'persistentvolumeclaims (via ephemeral volumes)';
    for (const { serviceAccountToken, clusterTrustBundle } of projected?.sources ?? []) {
      if (serviceAccountToken) return 'serviceaccounts (via projected volumes)';
      if (clusterTrustBundle) return 'clustertrustbundles';
    }
  }
  return undefined;
}

function restrictNode(node: string, request: AdmissionRequest): void {
  const who = `node ${JSON.stringify(node)}`;
  const { operation, name } = request;
  if (name !== node) refuse(request, `${who} is not allowed to modify node ${JSON.stringify(name)}`);
  const next = request.object as Node | undefined;
  if (operation === 'DELETE' || !next) return;
  const previous = request.previous as Stored<Node> | undefined;
  if (operation === 'CREATE' && next.spec?.configSource)
    refuse(request, `${who} is not allowed to create pods with a non-nil configSource`);
  if (operation === 'UPDATE') {
    if (next.spec?.configSource && !equal(next.spec.configSource, previous?.spec?.configSource))
      refuse(request, `${who} is not allowed to update configSource to a new non-nil configSource`);
    if (!equal(next.spec?.taints ?? [], previous?.spec?.taints ?? []))
      refuse(request, `${who} is not allowed to modify taints`);
    if (!equal(next.metadata?.ownerReferences ?? [], previous?.metadata.ownerReferences ?? []))
      refuse(request, `${who} is not allowed to modify ownerReferences`);
  }
  const labels = forbiddenNodeLabels(next.metadata?.labels, previous?.metadata.labels);
  if (labels.length === 0) return;
  const list = labels.join(', ');
  refuse(
    request,
    operation === 'CREATE'
      ? `${who} is not allowed to set the following labels: ${list}`
      : `is not allowed to modify labels: ${list}`,
  );
}

function restrictClaim(node: string, request: AdmissionRequest): void {
  if (request.subresource !== 'status') refuse(request, 'may only update PVC status');
  const compared = (claim: PersistentVolumeClaim) => ({
    ...claim,
    metadata: { ...claim.metadata, resourceVersion: undefined, managedFields: undefined },
    status: {
      ...claim.status,
      capacity: undefined,
      conditions: undefined,
      allocatedResources: undefined,
      allocatedResourceStatuses: undefined,
    },
  });
  const next = compared(request.object as PersistentVolumeClaim);
  if (!equal(next, compared(request.previous as Stored<PersistentVolumeClaim>)))
    refuse(
      request,
      `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions`,
    );
}

interface TokenRequestBody extends KubeObject {
  readonly spec?: {
    readonly audiences?: readonly string[];
    readonly boundObjectRef?: {
      readonly apiVersion?: string;
      readonly kind?: string;
      readonly name?: string;
      readonly uid?: string;
    };
  };
}

function restrictToken(node: string, request: AdmissionRequest): void {
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return;
  const { boundObjectRef: bound, audiences = [] } = (request.object as TokenRequestBody).spec ?? {};
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name)
    refuse(request, 'node requested token not bound to a pod');
  if (!bound.uid) refuse(request, 'node requested token with a pod binding without a uid');
  const pod = request.reader.get(pods, request.namespace, bound.name);
  if (!pod) throw notFound(pods, bound.name);
  if (pod.metadata.uid !== bound.uid)
    refuse(
      request,
      `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (pod.spec?.nodeName !== node)
    refuse(request, 'node requested token bound to a pod scheduled on a different node');
  if (audiences.length > 1) refuse(request, 'node may only request 0 or 1 audiences');
  const audience = audiences[0] ?? '';
  if (referencesAudience(pod, audience, request)) return;
  const attributes = {
    verb: 'request-serviceaccounts-token-audience',
    group: '',
    resource: audience,
    namespace: request.namespace,
    name: request.name,
  };
  if (request.authorization.authorizer.decide(request.user, attributes).allowed) return;
  refuse(
    request,
    `audience ${JSON.stringify(audience)} not found in pod spec volume, ${request.user.name} is not authorized to request tokens for this audience`,
  );
}

/** Whether the pod wants a token for the audience: by a projected volume, or by the CSI driver of one of its volumes. */
function referencesAudience(pod: Stored<Pod>, audience: string, { reader }: AdmissionRequest): boolean {
  const { namespace, name } = pod.metadata;
  const driverOfClaim = (claimName: string) => {
    const claim = reader.get(persistentVolumeClaims, namespace, claimName);
    return reader.get(persistentVolumes, undefined, claim?.spec?.volumeName ?? '')?.spec?.csi?.driver;
  };
  return (pod.spec?.volumes ?? []).some((volume) => {
    const sources = volume.projected?.sources ?? [];
    if (
      sources.some(
        ({ serviceAccountToken: token }) => token !== undefined && (token.audience ?? '') === audience,
      )
    )
      return true;
    const claim =
      volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${name}-${volume.name}` : undefined);
    const driver = claim === undefined ? volume.csi?.driver : driverOfClaim(claim);
    const requests = driver ? reader.get(csiDrivers, undefined, driver)?.spec.tokenRequests : undefined;
    return requests?.some((one) => one.audience === audience) ?? false;
  });
}

function restrictLease(node: string, request: AdmissionRequest): void {
  if (request.namespace !== NODE_LEASES)
    refuse(request, `can only access leases in the ${JSON.stringify(NODE_LEASES)} system namespace`);
  if (request.name !== node)
    refuse(request, 'can only access node lease with the same name as the requesting node');
}

function restrictCSINode(node: string, request: AdmissionRequest): void {
  const name = (request.object as CSINode | undefined)?.metadata?.name ?? request.name;
  if (name !== node) refuse(request, 'can only access CSINode with the same name as the requesting node');
}
