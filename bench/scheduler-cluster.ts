import { createLocalClient, createRegistry, openStore } from '../src/apiserver/index.ts';
import { silentLogger, systemClock, systemRandom, Trace } from '../src/base/index.ts';
import { type Client, type ComponentContext, Informers, Recorder, waitUntil } from '../src/client/index.ts';
import { namespaces, type Pod, pods } from '../src/kube/index.ts';
import { createScheduler } from '../src/scheduler/index.ts';

export const NAMESPACE = 'bench';
const LIMIT_MS = 600_000;

/** An API server with its state in memory and a scheduler, in this process. */
export interface SchedulerCluster {
  readonly client: Client;
  readonly context: ComponentContext;
  /** To be called once what it is to know is there. */
  startScheduler(): void;
  /** Starts another component that ends with the cluster. */
  start(component: { start(signal: AbortSignal): Promise<void> }): void;
}

export async function withScheduler<T>(work: (cluster: SchedulerCluster) => Promise<T>): Promise<T> {
  const shared = { clock: systemClock, random: systemRandom, log: silentLogger };
  const registry = await createRegistry({ store: await openStore({ memory: true }), ...shared });
  const client = createLocalClient(registry);
  const informers = new Informers({ client, ...shared });
  const recorder = new Recorder({ client, ...shared, component: 'default-scheduler' });
  const context = { client, informers, trace: new Trace(systemClock), recorder: () => recorder, ...shared };
  const abort = new AbortController();
  const ending = [informers.start(abort.signal)];
  const start: SchedulerCluster['start'] = (component) => ending.push(component.start(abort.signal));
  try {
    await client.create(namespaces, { metadata: { name: NAMESPACE } });
    return await work({ client, context, start, startScheduler: () => start(createScheduler(context)) });
  } finally {
    abort.abort();
    await Promise.all(ending);
    await recorder.flush();
    await registry.close();
  }
}

export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

/** Resolves once all the pods have a node. To be asked for before they can have one. */
export async function allPlaced({ context }: SchedulerCluster, names: readonly string[]): Promise<void> {
  const informer = context.informers.of(pods);
  const pending = new Set(names);
  const seen = (pod: Pod) => {
    if (pod.spec?.nodeName) pending.delete(pod.metadata?.name ?? '');
  };
  const stop = informer.on({ updated: seen });
  const all = waitUntil([informer as never], () => pending.size === 0, {
    clock: systemClock,
    limitMs: LIMIT_MS,
    what: 'pods to have a node',
  });
  await all.finally(stop);
}
