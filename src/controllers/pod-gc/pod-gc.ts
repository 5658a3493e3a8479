import { errorMessage, rfc3339, sleep } from '../../base/index.ts';
import { type Component, type ComponentContext, Informers } from '../../client/index.ts';
import { isNotFound, isPodTerminal, keyOf, nodes, type Pod, pods, type Stored } from '../../kube/index.ts';
import { type CollectReason, podsToCollect } from './collect.ts';

/** Defaults are upstream's; durations are milliseconds. */
export interface PodGcOptions {
  /** How many ended pods may stay; 0: all (--terminated-pod-gc-threshold). @default 12500 */
  readonly terminatedPodThreshold?: number;
  /** @default 20000 */
  readonly periodMs?: number;
  /** How long a node may be missing before its pods go. @default 40000 */
  readonly quarantineMs?: number;
}

/** Deletes for good the pods that no node will ever report on again. */
export function createPodGc(context: ComponentContext, options: PodGcOptions = {}): Component {
  return { name: 'pod-garbage-collector', start: (signal) => start(context, options, signal) };
}

async function start(context: ComponentContext, options: PodGcOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, informers, log } = context;
  const podInformer = informers.of(pods);
  const nodeInformer = informers.of(nodes);
  const quarantineMs = options.quarantineMs ?? 40_000;
  /** When a node that pods name was first seen missing (monotonic milliseconds). */
  const missingSince = new Map<string, number>();
  await Informers.synced(signal, podInformer, nodeInformer);
  while (!signal.aborted) {
    try {
      await collect();
    } catch (error) {
      if (!signal.aborted)
        log.warn('pods could not be collected; trying again', { error: errorMessage(error) });
    }
    await sleep(clock, options.periodMs ?? 20_000, signal).catch(() => undefined);
  }

  async function collect(): Promise<void> {
    const found = podsToCollect({
      pods: [...podInformer.values()],
      node: (name) => nodeInformer.get(name),
      goneNodes: await goneNodes(),
      terminatedPodThreshold: options.terminatedPodThreshold ?? 12_500,
    });
    for (const [pod, reason] of found) {
      try {
        await remove(pod, reason);
      } catch (error) {
        if (isNotFound(error)) continue;
        log.warn('a pod could not be collected', { pod: keyOf(pod), reason, error: errorMessage(error) });
      }
    }
  }

  /** Nodes missing from the cache for the quarantine, and at the server. */
  async function goneNodes(): Promise<Set<string>> {
    const now = clock.monotonic();
    const named = new Set<string>();
    for (const { spec } of podInformer.values()) {
      if (spec?.nodeName && !nodeInformer.get(spec.nodeName)) named.add(spec.nodeName);
    }
    for (const name of missingSince.keys()) if (!named.has(name)) missingSince.delete(name);
    const gone = new Set<string>();
    for (const name of named) {
      const since = missingSince.get(name);
      if (since === undefined) missingSince.set(name, now);
      else if (now - since >= quarantineMs && !(await exists(name))) gone.add(name);
    }
    return gone;
  }

  async function exists(name: string): Promise<boolean> {
    try {
      await client.get(nodes, { name }, { signal });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Nobody will write its end any more, so it is written here: Failed, then deleted without grace. */
  async function remove(pod: Stored<Pod>, reason: CollectReason): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    log.info('deleting a pod that no node will', { pod: keyOf(pod), reason });
    if (!isPodTerminal(pod)) {
      const disrupted = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByPodGC',
        message: 'PodGC: node no longer exists',
        lastTransitionTime: rfc3339(clock.now()),
      };
      const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== disrupted.type);
      const conditions = reason === 'orphaned' ? { conditions: [...others, disrupted] } : {};
      const body = { metadata: { uid }, status: { phase: 'Failed', ...conditions } };
      await client.patch(
        pods,
        { namespace, name },
        { type: 'merge', body },
        { subresource: 'status', signal },
      );
    }
    const options = { gracePeriodSeconds: 0, preconditions: { uid }, signal };
    await client.delete(pods, { namespace, name }, options);
  }
}
