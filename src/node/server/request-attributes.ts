const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** What a path is beside what it is in the second list, of which it always is one (KubeletFineGrainedAuthz). */
const FINE: readonly [string, string][] = [
  ['/pods', 'pods'],
  ['/healthz', 'healthz'],
  ['/configz', 'configz'],
  ['/runningpods', 'pods'],
];
const COARSE: readonly [string, string][] = [
  ['/stats', 'stats'],
  ['/metrics', 'metrics'],
  ['/logs', 'log'],
  ['/checkpoint', 'checkpoint'],
  ['/statusz', 'statusz'],
  ['/flagz', 'configz'],
];

/** What a client asks of the node: who may do one of it may ask. */
export interface RequestAttributes {
  readonly verb: string;
  /** Of `nodes`. */
  readonly subresources: readonly string[];
}

/** Source: GetRequestAttributes, pkg/kubelet/server/auth.go. */
export function requestAttributes(method: string, path: string): RequestAttributes {
  const of = (table: readonly [string, string][]) =>
    table.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))?.[1];
  return { verb: VERBS[method] ?? '', subresources: [of(FINE) ?? [], of(COARSE) ?? 'proxy'].flat() };
}
