import { type Container, containerOf, type Pod, type Stored } from '../../kube/index.ts';
import type { ContainerRecord } from '../runtime/index.ts';
import type { ContainerEvents } from './container-events.ts';
import type { ProbeResults } from './container-status.ts';
import type { PodDependencies } from './dependencies.ts';
import { formatPod } from './names.ts';
import { type ProbeNews, runProbe } from './probe.ts';
import { type ProbeKind, Prober } from './prober.ts';

export interface PodProbesOptions {
  readonly dependencies: Pick<PodDependencies, 'clock' | 'runtime' | 'host' | 'hostIp' | 'probeMetrics'>;
  readonly podUid: string;
  readonly events: ContainerEvents;
  /** What a probe says has changed. */
  changed(): void;
  /** A container has to be stopped. */
  unhealthy(pod: Stored<Pod>, container: Container, record: ContainerRecord, kind: ProbeKind): void;
}

/** The event of each outcome that is no plain success. */
const PROBE_NEWS: Readonly<Record<ProbeNews['result'], readonly [string, string]>> = {
  warning: ['ProbeWarning', 'warning'],
  failure: ['Unhealthy', 'failed'],
  error: ['Unhealthy', 'errored and resulted in unknown state'],
};

/** The probes of one pod's containers: each that runs has a prober. */
export class PodProbes {
  readonly #options: PodProbesOptions;
  readonly #probers = new Map<string, Prober>();

  constructor(options: PodProbesOptions) {
    this.#options = options;
  }

  /** What the probes say of the containers that run; begins to probe those that it does not yet. */
  results(pod: Stored<Pod>, running: readonly ContainerRecord[]): ProbeResults {
    const started = new Set<string>();
    const ready = new Set<string>();
    for (const [id, prober] of this.#probers) {
      if (running.some((record) => record.id === id)) continue;
      prober.stop();
      this.#probers.delete(id);
    }
    for (const record of running) {
      const container = containerOf(pod, record.containerName);
      if (!container) continue;
      const prober = this.#probers.get(record.id) ?? this.#start(pod, container, record);
      if (prober.started) started.add(container.name);
      if (prober.ready) ready.add(container.name);
    }
    return { started, ready };
  }

  stop(): void {
    for (const prober of this.#probers.values()) prober.stop();
    this.#probers.clear();
    const { dependencies, podUid } = this.#options;
    dependencies.probeMetrics.forget(podUid);
  }

  #start(pod: Stored<Pod>, container: Container, record: ContainerRecord): Prober {
    const { dependencies, events, changed, unhealthy } = this.#options;
    const { clock, runtime, host, hostIp, probeMetrics } = dependencies;
    const containerId = record.id;
    const target = { clock, runtime, network: host.network, containerId, podIp: hostIp, pod: formatPod(pod) };
    const prober = new Prober({
      clock,
      container,
      startedAtMs: record.startedAtMs,
      run: async (probe, kind) => {
        const outcome = await runProbe(probe, container, target);
        // What comes too late would never be forgotten.
        if (this.#probers.get(record.id) === prober) probeMetrics.count(kind, pod, container, outcome);
        return outcome;
      },
      changed,
      failed: (kind, { result, output }) => {
        const [reason, words] = PROBE_NEWS[result];
        events.tell(pod, container, 'Warning', reason, `${kind} probe ${words}: ${output}`);
      },
      unhealthy: (kind) => unhealthy(pod, container, record, kind),
    });
    this.#probers.set(record.id, prober);
    prober.start();
    return prober;
  }
}
