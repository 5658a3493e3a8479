import type { ContainerRecord } from '../runtime/index.ts';

/** The answer of /runningpods/: what runs, as the runtime knows it. Source: GetRunningPods of the kubelet. */
export function runningPods(containers: readonly ContainerRecord[]) {
  const running = containers.filter(({ state }) => state === 'running');
  const items = [...Map.groupBy(running, ({ podUid }) => podUid)].map(([uid, ofPod]) => {
    const { podName: name, podNamespace: namespace } = ofPod[0]!;
    return {
      metadata: { name, namespace, uid },
      spec: {
        containers: ofPod.map(({ containerName, image }) => ({ name: containerName, image, resources: {} })),
      },
      status: {},
    };
  });
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
}
