import type { Host } from '../../host/index.ts';
import { containerStatusesOf, type Pod, type Stored } from '../../kube/index.ts';
import type { ContainerRecord, Runtime } from '../runtime/index.ts';
import type { Attempt, Attempts, AttemptsByName } from './attempts.ts';

/** What holds a pod's namespaces. No container of a pod can be called so: theirs are names in small letters. */
export const SANDBOX = 'POD';
/** The exit code of a program that could not be started (OCI runtimes). */
const START_FAILED_EXIT_CODE = 128;

/** What was run of one pod: what the runtime remembers, and the starts that came to nothing. */
export class ContainerHistory {
  readonly #runtime: Runtime;
  readonly #files: Host['files'];
  readonly #podUid: string;
  readonly #failedStarts = new Map<string, Attempt>();

  constructor({ runtime, host }: { runtime: Runtime; host: Host }, podUid: string) {
    this.#runtime = runtime;
    this.#files = host.files;
    this.#podUid = podUid;
  }

  /** With the one that holds the namespaces. */
  all(): readonly ContainerRecord[] {
    return this.#runtime.containers(this.#podUid);
  }

  records(): readonly ContainerRecord[] {
    return this.all().filter(({ containerName }) => containerName !== SANDBOX);
  }

  running(): readonly ContainerRecord[] {
    return this.records().filter(({ state }) => state === 'running');
  }

  sandboxes(): readonly ContainerRecord[] {
    return this.all().filter(({ containerName }) => containerName === SANDBOX);
  }

  /** The last two attempts at each container. */
  attempts(): AttemptsByName {
    const lists = new Map<string, Attempt[]>();
    const add = (name: string, attempt: Attempt) => lists.set(name, [...(lists.get(name) ?? []), attempt]);
    for (const record of this.records()) add(record.containerName, record);
    for (const [name, attempt] of this.#failedStarts) add(name, attempt);
    const byName = new Map<string, Attempts>();
    for (const [name, list] of lists) {
      const [current, previous] = list.sort((a, b) => b.attempt - a.attempt);
      byName.set(name, { current, previous });
    }
    return byName;
  }

  /** One more than what is remembered here or, if the node has lost its memory, in the API. */
  nextAttempt(pod: Stored<Pod>, name: string): number {
    const known = this.attempts().get(name)?.current?.attempt;
    if (known !== undefined) return known + 1;
    const old = containerStatusesOf(pod).find((status) => status.name === name);
    return old?.containerID || old?.lastState?.terminated ? old.restartCount + 1 : (old?.restartCount ?? 0);
  }

  noteFailedStart(name: string, attempt: number, nowMs: number, message: string): void {
    this.#failedStarts.set(name, {
      id: '',
      attempt,
      state: 'exited',
      startedAtMs: nowMs,
      finishedAtMs: nowMs,
      exitCode: START_FAILED_EXIT_CODE,
      message,
      startFailed: true,
    });
  }

  /** Only the last attempt is kept beside the present one (MaxPerPodContainer). */
  async forgetBefore(name: string, attempt: number): Promise<void> {
    for (const record of this.records()) {
      if (record.containerName !== name || record.attempt >= attempt) continue;
      await this.#runtime.remove(record.id);
      await this.#files.removeFile(record.logPath);
    }
  }

  /** Removes everything of ended containers, and the pod's logs. */
  async remove(pod: Stored<Pod>): Promise<void> {
    for (const { id } of this.all()) await this.#runtime.remove(id);
    const { uid, name, namespace = '' } = pod.metadata;
    await this.#runtime.removeLogs({ podUid: uid, podName: name, podNamespace: namespace });
  }
}
