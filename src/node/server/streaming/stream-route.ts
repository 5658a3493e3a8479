/** What a path of the node's server asks of a pod, beside its logs (pkg/kubelet/server, InstallDebuggingHandlers). */
export interface StreamRoute {
  readonly kind: 'exec' | 'attach' | 'run' | 'portForward';
  readonly namespace: string;
  readonly podName: string;
  readonly podUid?: string;
  /** '' for a port forward. */
  readonly container: string;
}

/** @throws URIError for a malformed escape. */
export function streamRoute(path: string): StreamRoute | undefined {
  const [, kind, namespace, podName, ...rest] = path.split('/').map(decodeURIComponent);
  if (!namespace || !podName || rest.includes('')) return undefined;
  const places = { namespace, podName };
  if (kind === 'portForward' && rest.length <= 1) return { kind, ...places, podUid: rest[0], container: '' };
  if (kind !== 'exec' && kind !== 'attach' && kind !== 'run') return undefined;
  if (rest.length === 1) return { kind, ...places, container: rest[0]! };
  if (rest.length === 2) return { kind, ...places, podUid: rest[0], container: rest[1]! };
  return undefined;
}
