import type { ResourceDefinition } from '../../registry/contract.ts';
import { subresourcesOf, subresourceVerbs } from '../discovery.ts';
import { CONNECT_SUBRESOURCES, SUBRESOURCE_KINDS } from '../subresources.ts';
import type { GroupVersionKind } from './schemas.ts';

/** One operation of a path, before it is written as OpenAPI v2 or v3. */
export interface Operation {
  readonly method: 'get' | 'put' | 'post' | 'delete' | 'patch';
  readonly id: string;
  readonly action: string;
  readonly kind: GroupVersionKind;
  /** Whether the answer is a list. */
  readonly list: boolean;
  readonly queries: readonly QueryParameter[];
  /** Of a kind that was defined at run time. */
  readonly isCustom: boolean;
}

export interface QueryParameter {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'integer';
}

export interface Path {
  readonly path: string;
  readonly parameters: readonly string[];
  readonly operations: readonly Operation[];
}

const text = (name: string): QueryParameter => ({ name, type: 'string' });
const bool = (name: string): QueryParameter => ({ name, type: 'boolean' });
const int = (name: string): QueryParameter => ({ name, type: 'integer' });

const LIST = [
  bool('allowWatchBookmarks'),
  text('continue'),
  text('fieldSelector'),
  text('labelSelector'),
  int('limit'),
  text('resourceVersion'),
  text('resourceVersionMatch'),
  bool('sendInitialEvents'),
  int('timeoutSeconds'),
  bool('watch'),
];
const WRITE = [text('dryRun'), text('fieldManager'), text('fieldValidation')];
const DELETE = [
  text('dryRun'),
  int('gracePeriodSeconds'),
  bool('orphanDependents'),
  text('propagationPolicy'),
];

const METHODS: Readonly<
  Record<string, { method: Operation['method']; action: string; queries: QueryParameter[] }>
> = {
  get: { method: 'get', action: 'get', queries: [] },
  list: { method: 'get', action: 'list', queries: LIST },
  create: { method: 'post', action: 'post', queries: WRITE },
  update: { method: 'put', action: 'put', queries: WRITE },
  patch: { method: 'patch', action: 'patch', queries: [...WRITE, bool('force')] },
  delete: { method: 'delete', action: 'delete', queries: DELETE },
  deletecollection: { method: 'delete', action: 'deletecollection', queries: [...DELETE, ...LIST] },
};

/** The paths under which a resource is served. */
export function pathsOf(definition: ResourceDefinition): Path[] {
  const { group, version, plural, namespaced } = definition;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const place = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const where = namespaced ? ['namespace'] : [];
  const has = (...verbs: string[]) => verbs.filter((verb) => definition.verbs.includes(verb));
  const paths: Path[] = [
    path(definition, place, where, has('list', 'create', 'deletecollection')),
    path(definition, `${place}/{name}`, [...where, 'name'], has('get', 'update', 'patch', 'delete')),
    // What becomes a stream has no body that a schema could describe.
    ...subresourcesOf(definition)
      .filter((subresource) => !CONNECT_SUBRESOURCES.has(subresource) && subresource !== 'proxy')
      .map((subresource) => subresourcePath(definition, place, where, subresource)),
  ];
  if (namespaced) paths.push(path(definition, `${root}/${plural}`, [], has('list'), 'ForAllNamespaces'));
  return paths.filter(({ operations }) => operations.length > 0);
}

function subresourcePath(
  definition: ResourceDefinition,
  place: string,
  where: readonly string[],
  subresource: string,
): Path {
  const foreign = SUBRESOURCE_KINDS[subresource];
  const verbs = subresourceVerbs(subresource);
  const kind = foreign ? kindOf(foreign.apiVersion, foreign.kind) : undefined;
  const suffix = subresource.charAt(0).toUpperCase() + subresource.slice(1);
  return path(definition, `${place}/{name}/${subresource}`, [...where, 'name'], verbs, suffix, kind);
}

function path(
  definition: ResourceDefinition,
  at: string,
  parameters: readonly string[],
  verbs: readonly string[],
  suffix = '',
  foreign?: GroupVersionKind,
): Path {
  const { group, version, kind, namespaced } = definition;
  const scope = namespaced && parameters.includes('namespace') ? 'Namespaced' : '';
  const area = group === '' ? 'Core' : capital(group.split('.')[0]!);
  return {
    path: at,
    parameters,
    operations: verbs.map((verb) => {
      const { method, action, queries } = METHODS[verb]!;
      return {
        method,
        action,
        queries,
        id: `${OPERATION_WORDS[verb]}${area}${capital(version)}${verb === 'deletecollection' ? 'Collection' : ''}${scope}${kind}${suffix}`,
        kind: foreign ?? { group, version, kind },
        list: verb === 'list',
        isCustom: definition.custom !== undefined,
      };
    }),
  };
}

const OPERATION_WORDS: Readonly<Record<string, string>> = {
  get: 'read',
  list: 'list',
  create: 'create',
  update: 'replace',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'delete',
};

function kindOf(apiVersion: string, kind: string): GroupVersionKind {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return { group: group!, version: version!, kind };
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
