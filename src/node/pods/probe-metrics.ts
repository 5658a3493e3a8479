import type { Metrics } from '../../base/index.ts';
import type { Container, Pod, Stored } from '../../kube/index.ts';
import type { ProbeOutcome } from './probe.ts';
import type { ProbeKind } from './prober.ts';

const LABELS = ['probe_type', 'result', 'container', 'pod', 'namespace', 'pod_uid'];

/** Counts the probes of a node's pods, as long as these live (ProberResults, pkg/kubelet/prober). */
export class ProbeMetrics {
  /** By pod, then by the values of the labels. */
  readonly #counts = new Map<string, Map<string, { readonly labels: readonly string[]; count: number }>>();

  constructor(metrics: Metrics) {
    metrics.gauge(
      {
        name: 'prober_probe_total',
        help: '[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.',
        type: 'counter',
        labels: LABELS,
      },
      () =>
        [...this.#counts.values()].flatMap((ofPod) =>
          [...ofPod.values()].map(({ labels, count }) => [labels, count] as const),
        ),
    );
  }

  /** One that is in error has no answer, and does not count. */
  count(kind: ProbeKind, pod: Stored<Pod>, container: Container, { result }: ProbeOutcome): void {
    if (result === 'error') return;
    const { name, namespace = '', uid } = pod.metadata;
    const labels = [
      kind,
      result === 'failure' ? 'failed' : 'successful',
      container.name,
      name,
      namespace,
      uid,
    ];
    const ofPod = this.#counts.get(uid) ?? new Map();
    this.#counts.set(uid, ofPod);
    const key = labels.join('\0');
    const one = ofPod.get(key) ?? { labels, count: 0 };
    ofPod.set(key, one);
    one.count++;
  }

  forget(podUid: string): void {
    this.#counts.delete(podUid);
  }
}
