import type { Clock } from '../../base/index.ts';
import type { Grant, Inode } from '../../host/simulated/index.ts';
import { type Program, scrub } from './programs.ts';

/** A container's view of one of its mounts. */
export interface SeenMount {
  readonly hostPath: string;
  readonly node: Inode;
  readonly readOnly: boolean;
  /** Of network storage: what it was mounted under. */
  readonly grant?: Grant;
}

export interface SimContainer {
  readonly id: string;
  readonly nodeName: string;
  readonly podUid: string;
  readonly podNamespace: string;
  readonly podName: string;
  readonly containerName: string;
  readonly attempt: number;
  readonly image: string;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly mounts: readonly SeenMount[];
  readonly program: Program;
  state: 'running' | 'exited';
  finishedAtMs?: number;
  exitCode?: number;
}

/** What containers do to the volumes that they see. */
export interface ContainerObserver {
  started(container: SimContainer): void;
  exits(container: SimContainer): void;
  /** It has taken away all that was in its volumes. */
  scrubbed(container: SimContainer): void;
}

/** The processes of containers: they live on when the kubelet dies, and end with the machine. */
export class SimContainers {
  readonly #clock: Clock;
  readonly #observer: ContainerObserver;
  readonly #containers = new Map<string, SimContainer>();
  readonly #listeners = new Set<(container: SimContainer) => void>();

  constructor(clock: Clock, observer: ContainerObserver) {
    this.#clock = clock;
    this.#observer = observer;
  }

  of(nodeName: string, podUid?: string): readonly SimContainer[] {
    return [...this.#containers.values()].filter(
      (one) => one.nodeName === nodeName && (podUid === undefined || one.podUid === podUid),
    );
  }

  running(): readonly SimContainer[] {
    return [...this.#containers.values()].filter(({ state }) => state === 'running');
  }

  start(container: SimContainer): void {
    this.#containers.set(container.id, container);
    const { endsAfterMs, scrubs } = container.program;
    if (scrubs) {
      scrub(container);
      this.#observer.scrubbed(container);
    } else this.#observer.started(container);
    if (endsAfterMs !== undefined) this.#clock.after(endsAfterMs, () => this.exit(container.id, 0));
  }

  get(id: string): SimContainer | undefined {
    return this.#containers.get(id);
  }

  exit(id: string, exitCode: number | undefined): void {
    const container = this.#containers.get(id);
    if (container?.state !== 'running') return;
    if (!container.program.scrubs) this.#observer.exits(container);
    container.state = 'exited';
    container.finishedAtMs = this.#clock.now();
    container.exitCode = exitCode;
    for (const listener of this.#listeners) listener(container);
  }

  /** The node's power is gone: nobody sees the containers end. */
  reboot(nodeName: string): void {
    for (const container of this.#containers.values()) {
      if (container.nodeName !== nodeName || container.state !== 'running') continue;
      container.state = 'exited';
      container.finishedAtMs = this.#clock.now();
    }
  }

  remove(id: string): void {
    this.#containers.delete(id);
  }

  onExit(listener: (container: SimContainer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
