import { nodes, pods } from '../src/kube/index.ts';
import type { Figure } from './figure.ts';
import { NAMESPACE, numbered, withScheduler } from './scheduler-cluster.ts';

const PENDING = [1_000, 10_000];
/** What the new node has room for. */
const ROOM = 100;

/** How long after a node has come the pods that fit it have it, while many others go on waiting. */
export async function reaction(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const pending of PENDING) {
    const label = `one new node, ${pending} pods pending`;
    const { first, all } = await measure(pending);
    figures.push(
      { what: `${label}: first pod placed`, value: first, unit: 'ms' },
      { what: `${label}: the ${ROOM} that fit placed`, value: all, unit: 'ms' },
    );
  }
  return figures;
}

function measure(pending: number): Promise<{ first: number; all: number }> {
  return withScheduler(async (cluster) => {
    const { client, context } = cluster;
    // Full from the beginning, so that every pod is refused once.
    await createNode('full', '0');
    cluster.startScheduler();
    const names = numbered('pending', pending);
    const informer = context.informers.of(pods);
    let refused = 0;
    const allRefused = Promise.withResolvers<void>();
    const stop = informer.on({
      updated(pod, before) {
        const told = pod.status?.conditions?.some(({ type }) => type === 'PodScheduled');
        if (!told || before.status?.conditions?.length) return;
        refused++;
        if (refused === pending) allRefused.resolve();
      },
    });
    await Promise.all(
      names.map((name) =>
        client.create(pods, {
          metadata: { name, namespace: NAMESPACE },
          spec: { containers: [{ name: 'pause', image: 'pause', resources: { requests: { cpu: '1' } } }] },
        }),
      ),
    );
    await allRefused.promise;
    stop();
    let placed = 0;
    const firstPlaced = Promise.withResolvers<void>();
    const allThatFit = Promise.withResolvers<void>();
    informer.on({
      updated(pod, before) {
        if (!pod.spec?.nodeName || before.spec?.nodeName) return;
        placed++;
        firstPlaced.resolve();
        if (placed === ROOM) allThatFit.resolve();
      },
    });
    const startedAt = performance.now();
    await createNode('new', String(ROOM));
    await firstPlaced.promise;
    const first = performance.now() - startedAt;
    await allThatFit.promise;
    return { first, all: performance.now() - startedAt };

    async function createNode(name: string, cpu: string): Promise<void> {
      const allocatable = { pods: '110', cpu, memory: '32Gi' };
      const status = { capacity: allocatable, allocatable, conditions: [{ type: 'Ready', status: 'True' }] };
      await client.create(nodes, { metadata: { name }, status });
    }
  });
}
