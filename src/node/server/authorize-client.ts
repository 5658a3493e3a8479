/** The group of the API server's identity towards nodes, as kubeadm issues it. */
const MASTERS = 'system:masters';

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** The subject of a client certificate, as node:tls tells it. */
export interface ClientSubject {
  readonly CN?: string | readonly string[];
  readonly O?: string | readonly string[];
}

/**
 * Why a client whose certificate the cluster's authority has signed may not ask this; `undefined` when it may. The
 * kubelet asks the API server whether the user may `get` `nodes/proxy`, which is more than reading one's own pods: here
 * only those may who may do everything, the API server among them. It has looked at what its client may do.
 * Source: pkg/kubelet/server, InstallAuthFilter and GetRequestAttributes.
 */
export function refusal(
  subject: ClientSubject | undefined,
  path: string,
  method = 'GET',
): string | undefined {
  const list = (value: string | readonly string[] | undefined) => [value ?? []].flat();
  if (list(subject?.O).includes(MASTERS)) return undefined;
  const user = list(subject?.CN)[0] ?? '';
  const subresources = path === '/pods' ? '[pods proxy]' : '[proxy]';
  return `Forbidden (user=${user}, verb=${VERBS[method] ?? ''}, resource=nodes, subresource(s)=${subresources})`;
}
