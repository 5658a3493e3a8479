import type { Container, Pod, Stored } from '../../kube/index.ts';

/** NAME_NAMESPACE(UID), as the kubelet's messages name a pod. */
export function formatPod(pod: Stored<Pod>): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
}

/** A duration as Go prints whole seconds: 10s, 1m20s, 5m0s. */
export function goSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours}h${minutes % 60}m${seconds % 60}s`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}

/** An init container that is started in order and then goes on beside the others. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

/** spec.containers{main}: which part of the pod an event is about. */
export function containerFieldPath(pod: Stored<Pod>, name: string): string {
  const isIn = (list: readonly { readonly name: string }[] | undefined) =>
    list?.some((container) => container.name === name);
  const { initContainers, ephemeralContainers } = pod.spec ?? {};
  const list = isIn(initContainers)
    ? 'initContainers'
    : isIn(ephemeralContainers)
      ? 'ephemeralContainers'
      : 'containers';
  return `spec.${list}{${name}}`;
}
