import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/base/index.ts';
import { createHttpClient, loadKubeconfig } from '../src/client/http/index.ts';
import { configMaps } from '../src/kube/index.ts';

const { kubeconfig, connections, objects, prefix } = workerData as {
  kubeconfig: string;
  prefix: string;
  connections: number;
  objects: number;
};
const client = createHttpClient({
  ...(await loadKubeconfig(kubeconfig)),
  clock: systemClock,
  userAgent: 'stowage-bench',
});

let next = 0;
async function createSome(limit: number): Promise<void> {
  while (next < limit) {
    const name = `${prefix}-${next++}`;
    await client.create(configMaps, {
      metadata: { name, namespace: 'default' },
      data: { some: 'text', of: 'no', great: 'length' },
    });
  }
}
const all = (limit: number) => Promise.all(Array.from({ length: connections }, () => createSome(limit)));

await all(500);
const startedAt = performance.now();
await all(500 + objects);
parentPort!.postMessage(performance.now() - startedAt);
client.close();
