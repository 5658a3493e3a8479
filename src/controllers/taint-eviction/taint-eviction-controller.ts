import { isDeepStrictEqual } from 'node:util';
import { rfc3339 } from '../../base/index.ts';
import {
  type Component,
  type ComponentContext,
  Controller,
  type EventRecorder,
  runControllers,
} from '../../client/index.ts';
import {
  changedPodConditions,
  isNotFound,
  keyOf,
  type Node,
  nodes,
  type Pod,
  pods,
  type Stored,
  splitKey,
} from '../../kube/index.ts';
import { EvictionSchedule } from './eviction-schedule.ts';
import { noExecuteTaints, tolerationTimeMs } from './toleration-time.ts';

const BY_NODE = 'taint-eviction/node';

/** Deletes the pods of nodes with NoExecute taints, those that tolerate them for a time when that is over. */
export function createTaintEvictionController(context: ComponentContext): Component {
  return new TaintEvictionController(context);
}

class TaintEvictionController implements Component {
  readonly name = 'taint-eviction-controller';
  readonly #context: ComponentContext;
  readonly #recorder: EventRecorder;
  readonly #informers;
  readonly #schedule: EvictionSchedule;
  readonly #controller: Controller;

  constructor(context: ComponentContext) {
    this.#context = context;
    this.#recorder = context.recorder(this.name);
    const { informers, clock, log } = context;
    this.#informers = {
      nodes: informers.of(nodes),
      pods: informers.of(pods).addIndex(BY_NODE, ({ spec }) => (spec?.nodeName ? [spec.nodeName] : [])),
    };
    this.#controller = new Controller({
      name: this.name,
      clock,
      log,
      workers: 8,
      reconcile: (key, signal) => this.#evict(key, signal),
    });
    this.#schedule = new EvictionSchedule(clock, (pod) => {
      this.#event(pod, 'Marking for deletion');
      this.#controller.enqueue(pod);
    });
  }

  start(signal: AbortSignal): Promise<void> {
    return runControllers(signal, {
      informers: this.#informers,
      listen: () => this.#listen(),
      loops: [this.#controller],
    });
  }

  #listen(): (() => void)[] {
    return [
      this.#informers.nodes.on({
        added: (node) => this.#nodeChanged(node),
        updated: (node, previous) => {
          if (node.spec === previous.spec) return;
          const [now, before] = [node, previous].map(({ spec }) => noExecuteTaints(spec?.taints));
          if (!isDeepStrictEqual(now, before)) this.#nodeChanged(node);
        },
      }),
      this.#informers.pods.on({
        added: (pod) => this.#podChanged(pod),
        updated: (pod, previous) => {
          if (pod.spec === previous.spec) return;
          const [now, before] = [pod, previous].map(({ spec }) => [spec?.nodeName, spec?.tolerations]);
          if (!isDeepStrictEqual(now, before)) this.#podChanged(pod);
        },
        deleted: (pod) => this.#callOff(keyOf(pod)),
      }),
      () => this.#schedule.clear(),
    ];
  }

  #nodeChanged(node: Stored<Node>): void {
    for (const pod of this.#informers.pods.byIndex(BY_NODE, node.metadata.name)) this.#plan(pod, node);
  }

  #podChanged(pod: Stored<Pod>): void {
    const node = pod.spec?.nodeName ? this.#informers.nodes.get(pod.spec.nodeName) : undefined;
    if (node) this.#plan(pod, node);
  }

  #plan(pod: Stored<Pod>, node: Stored<Node>): void {
    const key = keyOf(pod);
    const timeMs = tolerationTimeMs(noExecuteTaints(node.spec?.taints), pod.spec?.tolerations);
    const forEver = timeMs === Number.POSITIVE_INFINITY;
    // What is for now does not wait for what was planned; otherwise the time that runs already goes on.
    if (forEver || (timeMs === 0 && !this.#schedule.isDue(key))) this.#callOff(key);
    if (!forEver) this.#schedule.plan(key, timeMs);
  }

  #callOff(key: string): void {
    if (this.#schedule.cancel(key)) this.#event(key, 'Cancelling deletion of');
  }

  #event(pod: string, what: string): void {
    const subject = { apiVersion: 'v1', kind: 'Pod', ...splitKey(pod) };
    this.#recorder.event(subject, 'Normal', 'TaintManagerEviction', `${what} Pod ${pod}`);
  }

  /** Says in the pod's status why it goes, and deletes it. */
  async #evict(key: string, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#context;
    if (!this.#schedule.isDue(key)) return;
    const name = splitKey(key);
    try {
      const pod = await client.get(pods, name, { signal });
      const { uid } = pod.metadata;
      // A pod of the same name that came after has a time of its own.
      if (this.#schedule.isDue(key) && uid === (this.#informers.pods.byKey(key)?.metadata.uid ?? uid)) {
        const conditions = changedPodConditions(
          pod,
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'DeletionByTaintManager',
            message: 'Taint manager: deleting due to NoExecute taint',
          },
          rfc3339(clock.now()),
        );
        if (conditions) {
          const patch = { type: 'strategic', body: { metadata: { uid }, status: { conditions } } } as const;
          await client.patch(pods, name, patch, { subresource: 'status', signal });
        }
        await client.delete(pods, name, { preconditions: { uid }, signal });
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    if (this.#schedule.isDue(key)) this.#schedule.cancel(key);
  }
}
