/** The kinds of subresources whose body is not the object itself. */
export const SUBRESOURCE_KINDS: Readonly<Record<string, { apiVersion: string; kind: string }>> = {
  binding: { apiVersion: 'v1', kind: 'Binding' },
  eviction: { apiVersion: 'policy/v1', kind: 'Eviction' },
  token: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
  attach: { apiVersion: 'v1', kind: 'PodAttachOptions' },
  exec: { apiVersion: 'v1', kind: 'PodExecOptions' },
  portforward: { apiVersion: 'v1', kind: 'PodPortForwardOptions' },
  proxy: { apiVersion: 'v1', kind: 'NodeProxyOptions' },
  scale: { apiVersion: 'autoscaling/v1', kind: 'Scale' },
};

/** The subresources of pods that become a stream to the pod's node. */
export const CONNECT_SUBRESOURCES: ReadonlySet<string> = new Set(['attach', 'exec', 'portforward']);
