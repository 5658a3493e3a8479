import type { ContainerStatus, Pod, Stored } from '../../../kube/index.ts';
import { ago } from './duration.ts';

export interface PodSummary {
  /** `ready/total` containers. */
  readonly ready: string;
  readonly status: string;
  readonly restarts: string;
}

interface Counts {
  restarts: number;
  /** When a container last ended, RFC 3339; '' for never. */
  lastEnd: string;
}

/** READY, STATUS and RESTARTS of `kubectl get pods`. Rules: Kubernetes 1.36, printers/internalversion printPod. */
export function summarizePod(pod: Stored<Pod>, nowMs: number): PodSummary {
  const { spec, status } = pod;
  const sidecars = new Set(
    (spec?.initContainers ?? []).filter((one) => one.restartPolicy === 'Always').map((one) => one.name),
  );
  const total = (spec?.containers.length ?? 0) + sidecars.size;
  let ready = 0;
  let reason = status?.reason || status?.phase || '';
  if (status?.conditions?.some((one) => one.type === 'PodScheduled' && one.reason === 'SchedulingGated')) {
    reason = 'SchedulingGated';
  }

  const all: Counts = { restarts: 0, lastEnd: '' };
  const ofSidecars: Counts = { restarts: 0, lastEnd: '' };
  let initializing = false;
  for (const [index, container] of (status?.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecars.has(container.name);
    count(all, container);
    if (sidecar) count(ofSidecars, container);
    const terminated = container.state?.terminated;
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started) {
      if (container.ready) ready++;
      continue;
    }
    initializing = true;
    const waiting = container.state?.waiting?.reason;
    if (terminated) reason = `Init:${endReason(terminated)}`;
    else if (waiting && waiting !== 'PodInitializing') reason = `Init:${waiting}`;
    else reason = `Init:${index}/${spec?.initContainers?.length ?? 0}`;
    break;
  }

  let counts = all;
  const initialized = status?.conditions?.some((one) => one.type === 'Initialized' && one.status === 'True');
  if (!initializing || initialized) {
    counts = ofSidecars;
    let running = false;
    let failure = '';
    for (const container of [...(status?.containerStatuses ?? [])].reverse()) {
      count(counts, container);
      const { waiting, terminated, running: runs } = container.state ?? {};
      if (waiting?.reason) reason = waiting.reason;
      else if (terminated) {
        reason = endReason(terminated);
        if (terminated.exitCode !== 0) failure = reason;
      } else if (container.ready && runs) {
        running = true;
        ready++;
      }
    }
    if (reason === 'Completed') {
      const isReady = status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True');
      if (running && isReady) reason = 'Running';
      else if (failure) reason = failure;
      else if (running) reason = 'NotReady';
    }
  }

  if (pod.metadata.deletionTimestamp) {
    if (status?.reason === 'NodeLost') reason = 'Unknown';
    else if (status?.phase !== 'Succeeded' && status?.phase !== 'Failed') reason = 'Terminating';
  }
  const { restarts, lastEnd } = counts;
  return {
    ready: `${ready}/${total}`,
    status: reason,
    restarts: restarts > 0 && lastEnd ? `${restarts} (${ago(lastEnd, nowMs)} ago)` : `${restarts}`,
  };
}

function count(counts: Counts, container: ContainerStatus): void {
  counts.restarts += container.restartCount;
  const end = container.lastState?.terminated?.finishedAt;
  if (end && end > counts.lastEnd) counts.lastEnd = end;
}

function endReason(terminated: {
  readonly reason?: string;
  readonly signal?: number;
  readonly exitCode: number;
}): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}
