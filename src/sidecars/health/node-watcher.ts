import { type Clock, sleep } from '../../base/index.ts';
import type { EventRecorder, Informers } from '../../client/index.ts';
import {
  claimKeysOf,
  type Node,
  nodes,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  pods,
  type Stored,
} from '../../kube/index.ts';
import { judgeNode, type NodeMemory, type NodeNews } from './node-health.ts';

export interface NodeWatcherOptions {
  readonly informers: Informers;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** `NAMESPACE/NAME` of the claims that have a volume of the driver. */
  readonly claims: () => Iterable<string>;
}

const BY_CLAIM = 'claim';

/** Tells the claims of pods when their node fails, or comes back. */
export class NodeWatcher {
  readonly #options: NodeWatcherOptions;
  readonly #nodes;
  readonly #pods;
  readonly #claims;
  readonly #memories = new Map<string, NodeMemory>();

  constructor(options: NodeWatcherOptions) {
    const { informers } = options;
    this.#options = options;
    this.#nodes = informers.of(nodes);
    this.#pods = informers.of(pods).addIndex(BY_CLAIM, claimKeysOf);
    this.#claims = informers.of(persistentVolumeClaims);
  }

  get informers() {
    return [this.#nodes, this.#pods, this.#claims];
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs } = this.#options;
    const look = (node: Stored<Node>) => this.#look(node);
    const stop = this.#nodes.on({
      updated: look,
      deleted: ({ metadata }) => {
        this.#memories.delete(metadata.name);
        this.#tell(metadata.name, 'failed');
      },
    });
    try {
      while (!signal.aborted) {
        for (const node of this.#nodes.values()) look(node);
        await sleep(clock, intervalMs, signal).catch(() => undefined);
      }
    } finally {
      stop();
    }
  }

  #look(node: Stored<Node>): void {
    const { name } = node.metadata;
    const { news, memory } = judgeNode(node, this.#memories.get(name) ?? {}, this.#options.clock.monotonic());
    this.#memories.set(name, memory);
    if (news) this.#tell(name, news);
  }

  #tell(node: string, news: NodeNews): void {
    for (const key of this.#options.claims()) {
      const claim = this.#claims.byKey(key);
      const onNode = this.#pods.byIndex(BY_CLAIM, key).filter(({ spec }) => spec?.nodeName === node);
      if (!claim || onNode.length === 0) continue;
      const message = news === 'failed' ? failedText(claim, onNode, node) : `Node: ${node} recovered`;
      const reason = news === 'failed' ? 'NodeFailed' : 'NodeRecovered';
      this.#options.recorder.event(claim, 'Warning', reason, message);
    }
  }
}

function failedText(
  { metadata }: Stored<PersistentVolumeClaim>,
  onNode: readonly Stored<Pod>[],
  node: string,
): string {
  const names = onNode.map((pod) => `${pod.metadata.name} `).join('');
  return `Pods: [ ${names}] consuming PVC: ${metadata.name} in namespace: ${metadata.namespace} are now on a failed node: ${node}`;
}
