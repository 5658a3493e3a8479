import type { EventRecorder } from '../../client/index.ts';
import type { Pod, Stored } from '../../kube/index.ts';
import type { Attempt } from './attempts.ts';
import type { Waiting } from './container-status.ts';
import { formatPod, goSeconds } from './names.ts';
import { RestartBackoff } from './restart-backoff.ts';

/** How long a container that has ended waits before it is run again, and why. */
export interface BackOff {
  readonly remainingMs: number;
  readonly waiting: Waiting;
}

/** Holds containers of one pod back that end again and again. Source: doBackOff of the kubelet. */
export class CrashLoop {
  readonly #backoff = new RestartBackoff();
  readonly #recorder: EventRecorder;
  /** The attempt of each container whose back-off was told of, and the one whose back-off has passed. */
  readonly #announced = new Map<string, number>();
  readonly #waitedFor = new Map<string, number>();

  constructor(recorder: EventRecorder) {
    this.#recorder = recorder;
  }

  /** Undefined when the container may be run now. */
  hold(pod: Stored<Pod>, name: string, ended: Attempt | undefined, nowMs: number): BackOff | undefined {
    if (!ended || this.#waitedFor.get(name) === ended.attempt) return undefined;
    const finishedAtMs = ended.finishedAtMs ?? ended.startedAtMs;
    const { remainingMs, backoffMs } = this.#backoff.next(name, finishedAtMs, nowMs);
    if (remainingMs <= 0) {
      this.#waitedFor.set(name, ended.attempt);
      return undefined;
    }
    if (this.#announced.get(name) !== ended.attempt) {
      this.#announced.set(name, ended.attempt);
      const message = `Back-off restarting failed container ${name} in pod ${formatPod(pod)}`;
      this.#recorder.event(pod, 'Warning', 'BackOff', message);
    }
    const message = `back-off ${goSeconds(backoffMs)} restarting failed container=${name} pod=${formatPod(pod)}`;
    return { remainingMs, waiting: { reason: 'CrashLoopBackOff', message } };
  }
}
