/** What a request's method and path name: objects of a resource, or a plain path. */
export type RequestTarget = ResourceTarget | PathTarget;

export interface ResourceTarget {
  readonly verb: ResourceVerb;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** '' for cluster-scoped resources and for all namespaces. */
  readonly namespace: string;
  /** '' for a collection. */
  readonly name: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** What follows the subresource of a proxy, percent-encoded, without the first slash. */
  readonly rest?: string;
}

export interface PathTarget {
  /** The method in lower case. */
  readonly verb: string;
  readonly path: string;
}

/** '' stands for a method that no resource has. */
export type ResourceVerb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  | '';

const METHOD_VERBS: Readonly<Record<string, ResourceVerb>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** What a path under /namespaces/NAME/ may name without being a resource of its own. */
const NAMESPACE_SUBRESOURCES: ReadonlySet<string> = new Set(['status', 'finalize']);

const NODE_PROXY = /^\/*api\/+v1\/+nodes\/+[^/]+\/+proxy\/?(.*)$/s;

/**
 * Reads a request as the API server does (endpoints/request/requestinfo.go). `path` is as it came, percent-encoded,
 * without the query.
 * @throws URIError for a malformed escape.
 */
export function parseTarget(method: string, path: string, watch: boolean): RequestTarget {
  const parts = path.split('/').filter((part) => part !== '');
  const plain = (): PathTarget => ({ verb: method.toLowerCase(), path });
  const prefix = parts[0];
  if (parts.length < 3 || (prefix !== 'api' && prefix !== 'apis')) return plain();
  if (prefix === 'apis' && parts.length < 4) return plain();

  const rest = path.includes('%') ? parts.slice(1).map(decodeURIComponent) : parts.slice(1);
  const group = prefix === 'apis' ? rest.shift()! : '';
  const version = rest.shift()!;
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1]!;
    if (rest.length > 2 && !NAMESPACE_SUBRESOURCES.has(rest[2]!)) rest.splice(0, 2);
  }
  const [resource = '', name = '', subresource = ''] = rest;
  // Deeper paths belong to proxies; those of nodes are served.
  const isProxy = group === '' && resource === 'nodes' && subresource === 'proxy';
  if (rest.length > 3 && !isProxy) return plain();
  return {
    ...(isProxy && { rest: NODE_PROXY.exec(path)?.[1] ?? '' }),
    verb: resourceVerb(method, name === '', watch),
    group,
    version,
    resource,
    namespace,
    name,
    subresource,
  };
}

function resourceVerb(method: string, collection: boolean, watch: boolean): ResourceVerb {
  const verb = METHOD_VERBS[method] ?? '';
  if (collection && verb === 'get') return watch ? 'watch' : 'list';
  if (collection && verb === 'delete') return 'deletecollection';
  return verb;
}
