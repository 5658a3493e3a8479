import { createHash } from 'node:crypto';
import { apiVersionOf } from '../../kube/index.ts';
import { versionRank } from '../crd/version-rank.ts';
import type { ResourceDefinition } from '../registry/contract.ts';
import { CONNECT_SUBRESOURCES, SUBRESOURCE_KINDS } from './subresources.ts';

/** The media type of aggregated discovery. */
export const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

type Definitions = readonly ResourceDefinition[];

/** The groups in the order of their priority; others come after them, by name. kubectl takes the first that fits. */
const GROUP_ORDER: readonly string[] = [
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
];

/** GET /api: the versions of the core group. */
export function coreVersions(definitions: Definitions, address: string) {
  const core = definitions.filter((definition) => definition.group === '');
  return {
    kind: 'APIVersions',
    versions: versionsOf(core),
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

/** GET /apis: the groups. */
export function groupList(definitions: Definitions) {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groupsOf(definitions).map((group) => groupBody(definitions, group)),
  };
}

/** GET /apis/GROUP; `undefined` when nothing is served under it. */
export function apiGroup(definitions: Definitions, group: string) {
  if (group === '' || !definitions.some((definition) => definition.group === group)) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(definitions, group) };
}

/** GET /api/v1 and /apis/GROUP/VERSION; `undefined` when nothing is served under it. */
export function resourceList(definitions: Definitions, group: string, version: string) {
  const served = definitions
    .filter((definition) => definition.group === group && definition.version === version)
    .sort(byPlural);
  if (served.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: served.flatMap((definition) => [
      {
        name: definition.plural,
        singularName: definition.singular,
        namespaced: definition.namespaced,
        kind: definition.kind,
        verbs: definition.verbs,
        shortNames: some(definition.shortNames),
        categories: some(definition.categories),
        storageVersionHash: storageVersionHash(definition),
      },
      ...subresourcesOf(definition).map((subresource) => ({
        name: `${definition.plural}/${subresource}`,
        singularName: '',
        namespaced: definition.namespaced,
        ...(foreignKind(definition, subresource) ?? { kind: definition.kind }),
        verbs: subresourceVerbs(subresource),
      })),
    ]),
  };
}

/** Aggregated discovery (v2) of the core group (/api) or of the others (/apis): all resources in one answer. */
export function aggregatedDiscovery(definitions: Definitions, core: boolean) {
  const groups = core ? [''] : groupsOf(definitions);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map((group) => {
      const inGroup = definitions.filter((definition) => definition.group === group);
      return {
        metadata: { name: group || undefined, creationTimestamp: null },
        versions: versionsOf(inGroup).map((version) => ({
          version,
          resources: inGroup
            .filter((definition) => definition.version === version)
            .sort(byPlural)
            .map(discoveredResource),
          freshness: 'Current',
        })),
      };
    }),
  };
}

function discoveredResource(definition: ResourceDefinition) {
  const own = ownKind(definition);
  const subresources = subresourcesOf(definition).map((subresource) => {
    const foreign = foreignKind(definition, subresource);
    return {
      subresource,
      responseKind: foreign ? { group: '', version: '', ...foreign } : own,
      verbs: subresourceVerbs(subresource),
    };
  });
  return {
    resource: definition.plural,
    responseKind: own,
    scope: definition.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: definition.singular,
    verbs: definition.verbs,
    shortNames: some(definition.shortNames),
    categories: some(definition.categories),
    subresources: some(subresources),
  };
}

/** Built-in kinds leave out the group and version that they are listed under. */
function ownKind({ group, version, kind, custom }: ResourceDefinition) {
  return custom ? { group, version, kind } : { group: '', version: '', kind };
}

/** The definition's own, and those of pods and nodes that a node answers and that are not in the table. */
export function subresourcesOf(definition: ResourceDefinition): readonly string[] {
  const answered = definition.group === '' ? ANSWERED_BY_NODES[definition.plural] : undefined;
  return [...new Set([...definition.subresources, ...(answered ?? [])])].sort();
}

const ANSWERED_BY_NODES: Readonly<Record<string, readonly string[]>> = {
  nodes: ['proxy'],
  pods: ['log', ...CONNECT_SUBRESOURCES],
};

/** What can be done to a subresource other than to read and change it. */
const SUBRESOURCE_VERBS: Readonly<Record<string, readonly string[]>> = {
  attach: ['create', 'get'],
  binding: ['create'],
  eviction: ['create'],
  exec: ['create', 'get'],
  finalize: ['update'],
  log: ['get'],
  portforward: ['create', 'get'],
  proxy: ['create', 'delete', 'get', 'patch', 'update'],
  token: ['create'],
};

export function subresourceVerbs(subresource: string): readonly string[] {
  return SUBRESOURCE_VERBS[subresource] ?? ['get', 'patch', 'update'];
}

/** Tells, without saying it, under which version objects are stored: clients see when to write them anew. */
function storageVersionHash({ group, version, kind, verbs, view, custom }: ResourceDefinition) {
  if (!verbs.includes('list')) return undefined;
  const stored = view?.of ?? { group, version: custom ? custom.storageVersion : version, kind };
  if (stored.version === undefined) return undefined;
  const hash = createHash('sha256').update(`${stored.group}/${stored.version}/${stored.kind}`).digest();
  return hash.subarray(0, 8).toString('base64');
}

function groupBody(definitions: Definitions, group: string) {
  const versions = versionsOf(definitions.filter((definition) => definition.group === group)).map(
    (version) => ({ groupVersion: `${group}/${version}`, version }),
  );
  return { name: group, versions, preferredVersion: versions[0] };
}

function groupsOf(definitions: Definitions): string[] {
  const rank = (group: string) =>
    GROUP_ORDER.includes(group) ? GROUP_ORDER.indexOf(group) : GROUP_ORDER.length;
  return [...new Set(definitions.map((definition) => definition.group))]
    .filter((group) => group !== '')
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

const byPlural = (a: ResourceDefinition, b: ResourceDefinition) => (a.plural < b.plural ? -1 : 1);

/** Stable versions first, then by number, as kube-aware version order has it for the ones served here. */
function versionsOf(definitions: Definitions): string[] {
  return [...new Set(definitions.map((definition) => definition.version))].sort(
    (a, b) => versionRank(b) - versionRank(a),
  );
}

/** The kind of a subresource whose body is not the object itself; its group and version where they are not the object's. */
function foreignKind(definition: ResourceDefinition, subresource: string) {
  const foreign = SUBRESOURCE_KINDS[subresource];
  if (!foreign) return undefined;
  const { apiVersion, kind } = foreign;
  if (apiVersion === apiVersionOf(definition)) return { kind };
  const [group, version] = apiVersion.split('/');
  return { group, version, kind };
}

function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length > 0 ? items : undefined;
}
