// Watches that run in a thread of their own: tells when all have begun, and each time all have seen one change more.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/base/index.ts';
import { createHttpClient, loadKubeconfig } from '../src/client/http/index.ts';
import { configMaps } from '../src/kube/index.ts';

const { kubeconfig, watchers } = workerData as { kubeconfig: string; watchers: number };
const client = createHttpClient({
  ...(await loadKubeconfig(kubeconfig)),
  clock: systemClock,
  userAgent: 'stowage-bench-watchers',
});
const { metadata } = await client.list(configMaps, { namespace: 'default' });

let begun = 0;
let seen = 0;
async function watch(): Promise<void> {
  // The state as it is comes first, and tells that the watch has begun.
  const options = { namespace: 'default', sendInitialEvents: true, allowWatchBookmarks: true };
  for await (const event of client.watch(configMaps, {
    ...options,
    resourceVersion: metadata.resourceVersion,
  })) {
    if (event.type === 'BOOKMARK') {
      if (++begun === watchers) parentPort!.postMessage('begun');
    } else if (event.object.metadata.name.startsWith('fan-out-') && ++seen % watchers === 0) {
      parentPort!.postMessage('seen');
    }
  }
}
await Promise.all(Array.from({ length: watchers }, watch));
