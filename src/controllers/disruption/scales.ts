import type { Client, Informer } from '../../client/index.ts';
import {
  apiVersionOf,
  type CustomResourceDefinition,
  controllerOf,
  type Deployment,
  deployments,
  isNotFound,
  type KubeObject,
  type OwnerReference,
  type Pod,
  qualifiedName,
  type ReplicaSet,
  type Resource,
  replicaSets,
  resourceOf,
  type StatefulSet,
  type Stored,
  statefulSets,
} from '../../kube/index.ts';

export interface ScaleSources {
  readonly client: Client;
  readonly deployments: Informer<Deployment>;
  readonly sets: Informer<ReplicaSet>;
  readonly statefulSets: Informer<StatefulSet>;
  readonly definitions: Informer<CustomResourceDefinition>;
}

interface Scale {
  readonly uid: string;
  readonly replicas: number;
}

interface Scaled extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}

export interface TotalScale {
  readonly replicas: number;
  /** Names of pods that have no controller. */
  readonly unmanaged: readonly string[];
}

/**
 * The sizes of the controllers of the pods, each counted once; of a Deployment's pods, the Deployment's.
 * @throws Error when a controller is not there or has no size
 */
export async function totalScale(
  sources: ScaleSources,
  pods: readonly Stored<Pod>[],
  signal: AbortSignal,
): Promise<TotalScale> {
  const scales = new Map<string, number>();
  const seen = new Set<string>();
  const unmanaged: string[] = [];
  for (const pod of pods) {
    const owner = controllerOf(pod);
    if (!owner) {
      unmanaged.push(pod.metadata.name);
      continue;
    }
    if (seen.has(owner.uid)) continue;
    seen.add(owner.uid);
    const scale = await scaleOf(sources, owner, pod.metadata.namespace, signal);
    if (!scale) throw new Error(`found no controllers for pod "${pod.metadata.name}"`);
    scales.set(scale.uid, scale.replicas);
  }
  return { replicas: [...scales.values()].reduce((sum, replicas) => sum + replicas, 0), unmanaged };
}

async function scaleOf(
  sources: ScaleSources,
  owner: OwnerReference,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Scale | undefined> {
  if (isOf(owner, replicaSets)) {
    const set = sources.sets.get(owner.name, namespace);
    if (set?.metadata.uid !== owner.uid) return undefined;
    const above = controllerOf(set);
    if (!above || !isOf(above, deployments)) return sizeOf(set);
    const deployment = sources.deployments.get(above.name, namespace);
    return deployment?.metadata.uid === above.uid ? sizeOf(deployment) : undefined;
  }
  if (isOf(owner, statefulSets)) {
    const set = sources.statefulSets.get(owner.name, namespace);
    return set?.metadata.uid === owner.uid ? sizeOf(set) : undefined;
  }
  return await scaleSubresource(sources, owner, namespace, signal);
}

function isOf(
  { apiVersion, kind }: OwnerReference,
  resource: Pick<Resource, 'group' | 'version' | 'kind'>,
): boolean {
  return kind === resource.kind && apiVersion === apiVersionOf(resource);
}

function sizeOf({ metadata, spec }: Stored<KubeObject> & Scaled): Scale | undefined {
  return metadata && { uid: metadata.uid!, replicas: spec?.replicas ?? 1 };
}

/** Any other kind tells its size by its scale subresource, if it has one. */
async function scaleSubresource(
  { client, definitions }: ScaleSources,
  { apiVersion, kind, name, uid }: OwnerReference,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Scale | undefined> {
  const resource = resourceOf(apiVersion, kind) ?? customResource(definitions, apiVersion, kind);
  if (!resource) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`);
  const notScalable = () => new Error(`${qualifiedName(resource)} does not implement the scale subresource`);
  try {
    const scale = await client.get(
      resource as Resource<Scaled>,
      { namespace, name },
      { subresource: 'scale', signal },
    );
    if (scale.kind !== 'Scale') throw notScalable();
    return scale.metadata.uid === uid ? { uid, replicas: scale.spec?.replicas ?? 0 } : undefined;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const exists = await client.get(resource, { namespace, name }, { signal }).catch(() => undefined);
    if (exists) throw notScalable();
    return undefined;
  }
}

function customResource(
  definitions: Informer<CustomResourceDefinition>,
  apiVersion: string,
  kind: string,
): Resource | undefined {
  const [group = '', version = ''] = apiVersion.split('/');
  for (const { spec } of definitions.values()) {
    if (spec.group !== group || spec.names.kind !== kind) continue;
    const { plural, singular = kind.toLowerCase(), shortNames = [], categories = [] } = spec.names;
    const namespaced = spec.scope === 'Namespaced';
    return { group, version, kind, plural, singular, shortNames, categories, namespaced };
  }
  return undefined;
}
