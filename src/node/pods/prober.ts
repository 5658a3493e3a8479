import type { Clock, Timer } from '../../base/index.ts';
import type { Container } from '../../kube/index.ts';
import type { Probe, ProbeNews, ProbeOutcome } from './probe.ts';

export type ProbeKind = 'Startup' | 'Readiness' | 'Liveness';

export interface ProberOptions {
  readonly clock: Clock;
  readonly container: Container;
  /** When the container started, wall time in milliseconds. */
  readonly startedAtMs: number;
  readonly run: (probe: Probe, kind: ProbeKind) => Promise<ProbeOutcome>;
  /** `ready` or `started` has changed. */
  readonly changed: () => void;
  /** A run of a probe has failed, could not be made, or has passed with a doubt. */
  readonly failed: (kind: ProbeKind, outcome: ProbeNews) => void;
  /** A startup or liveness probe has failed too often: the container must be restarted. */
  readonly unhealthy: (kind: ProbeKind) => void;
}

/**
 * The probes of one running container. Until the startup probe has passed neither of the others runs; a container
 * without a probe passes it. Rules: pkg/kubelet/prober/worker.go.
 */
export class Prober {
  readonly #options: ProberOptions;
  readonly #timers = new Set<Timer>();
  #stopped = false;
  #started: boolean;
  #ready: boolean;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#started = options.container.startupProbe === undefined;
    this.#ready = this.#started && options.container.readinessProbe === undefined;
  }

  get started(): boolean {
    return this.#started;
  }

  get ready(): boolean {
    return this.#ready;
  }

  start(): void {
    const { startupProbe } = this.#options.container;
    if (startupProbe) this.#follow('Startup', startupProbe);
    else this.#startOthers();
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #startOthers(): void {
    const { readinessProbe, livenessProbe } = this.#options.container;
    if (readinessProbe) this.#follow('Readiness', readinessProbe);
    if (livenessProbe) this.#follow('Liveness', livenessProbe);
  }

  #follow(kind: ProbeKind, probe: Probe): void {
    const { clock, startedAtMs } = this.#options;
    const first = startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000 - clock.now();
    let successes = 0;
    let failures = 0;
    const again = (delayMs: number) => {
      if (this.#stopped) return;
      const timer = clock.after(
        Math.max(0, delayMs),
        () => {
          this.#timers.delete(timer);
          void look();
        },
        { unref: true },
      );
      this.#timers.add(timer);
    };
    const look = async () => {
      const outcome = await this.#options.run(probe, kind);
      if (this.#stopped) return;
      const { result, output } = outcome;
      if (result !== 'success') this.#options.failed(kind, { result, output });
      // No answer is none: what was counted stays as it is.
      if (outcome.result === 'error') return again((probe.periodSeconds ?? 10) * 1000);
      const succeeded = outcome.result !== 'failure';
      successes = succeeded ? successes + 1 : 0;
      failures = succeeded ? 0 : failures + 1;
      if (successes >= (probe.successThreshold ?? 1)) {
        if (this.#passed(kind)) return;
      } else if (failures >= (probe.failureThreshold ?? 3) && this.#exceeded(kind)) return;
      again((probe.periodSeconds ?? 10) * 1000);
    };
    again(first);
  }

  /** True when the probe has done its duty. */
  #passed(kind: ProbeKind): boolean {
    if (kind === 'Startup') {
      this.#started = true;
      this.#ready = this.#options.container.readinessProbe === undefined;
      this.#startOthers();
      this.#options.changed();
      return true;
    }
    if (kind === 'Readiness' && !this.#ready) {
      this.#ready = true;
      this.#options.changed();
    }
    return false;
  }

  #exceeded(kind: ProbeKind): boolean {
    if (kind !== 'Readiness') {
      this.#options.unhealthy(kind);
      return true;
    }
    if (this.#ready) {
      this.#ready = false;
      this.#options.changed();
    }
    return false;
  }
}
