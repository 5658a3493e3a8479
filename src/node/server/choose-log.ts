import { type ContainerStatus, containerStatusesOf, type Pod, type Stored } from '../../kube/index.ts';

const PREFIX = 'stowage://';

/**
 * The runtime's name of the container whose log is meant.
 * @throws Error, fit for the user, when there is none (kubelet, validateContainerLogStatus).
 */
export function chooseLog(pod: Stored<Pod>, containerName: string, previous: boolean): string {
  const status = containerStatusesOf(pod).find(({ name }) => name === containerName);
  const which = `container ${JSON.stringify(containerName)} in pod ${JSON.stringify(pod.metadata.name)}`;
  if (!status) throw new Error(`${which} is not available`);
  const { waiting, running, terminated } = status.state ?? {};
  const last = status.lastState?.terminated?.containerID;
  if (previous) {
    if (!last) throw new Error(`previous terminated ${which} not found`);
    return plainId(last);
  }
  if (running) return plainId(status.containerID);
  if (terminated) {
    const id = terminated.containerID ?? last;
    if (!id) throw new Error(`${which} is terminated`);
    return plainId(id);
  }
  if (last) return plainId(last);
  if (waiting) throw new Error(`${which} is waiting to start: ${waiting.reason ?? ''}`);
  throw new Error(`${which} is waiting to start - no logs yet`);
}

function plainId(id: ContainerStatus['containerID']): string {
  return (id ?? '').startsWith(PREFIX) ? id!.slice(PREFIX.length) : (id ?? '');
}
