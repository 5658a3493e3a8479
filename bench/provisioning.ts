import { systemClock } from '../src/base/index.ts';
import { waitUntil } from '../src/client/index.ts';
import { type Cluster, startCluster } from '../src/cluster.ts';
import { type Pod, persistentVolumeClaims, pods, storageClasses } from '../src/kube/index.ts';
import { type Figure, timed } from './figure.ts';

const NODES = 100;
const SIZES = [100, 1_000];
const LIMIT_MS = 300_000;

/**
 * Pods whose claims wait for their first consumer, volumes made by a driver that does nothing, state on disk: until each
 * pod has its node, and until each runs with its volume attached and mounted.
 */
export async function provisioning(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of SIZES) figures.push(...(await measure(size)));
  return figures;
}

async function measure(count: number): Promise<Figure[]> {
  const cluster = await startCluster({ ephemeral: true, nodes: 0, simulatedNodes: NODES, logLevel: 'error' });
  try {
    await cluster.client.create(storageClasses, {
      metadata: { name: 'simulated' },
      provisioner: 'simulated.csi.stowage.dev',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    let placed = 0;
    const cpu = process.cpuUsage();
    const took = await timed(async () => {
      const allPlaced = until(cluster, count, (pod) => pod.spec?.nodeName !== undefined);
      const allRun = until(cluster, count, (pod) => pod.status?.phase === 'Running');
      placed = -performance.now();
      await Promise.all(Array.from({ length: count }, (_, index) => create(cluster, `app-${index}`)));
      await allPlaced;
      placed += performance.now();
      await allRun;
    });
    const { user, system } = process.cpuUsage(cpu);
    const what = `${count} pods, a claim each, provisioned for their nodes`;
    return [
      { what: `${what}: placed`, value: (count / placed) * 1_000, unit: '/s' },
      { what: `${what}: running`, value: (count / took) * 1_000, unit: '/s' },
      { what: `${what}: processor time`, value: (user + system) / 1_000 / count, unit: 'ms' },
    ];
  } finally {
    await cluster.stop();
  }
}

async function create({ client }: Cluster, name: string): Promise<void> {
  const metadata = { name, namespace: 'default' };
  await client.create(persistentVolumeClaims, {
    metadata,
    spec: {
      storageClassName: 'simulated',
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
    },
  });
  await client.create(pods, {
    metadata,
    spec: {
      automountServiceAccountToken: false,
      containers: [
        { name: 'main', image: 'simulated', volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      ],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
    },
  });
}

/** Resolves once so many pods are so. */
async function until(cluster: Cluster, count: number, isSo: (pod: Pod) => boolean): Promise<void> {
  const informer = cluster.informers.of(pods);
  const done = new Set<string>();
  const seen = (pod: Pod) => {
    if (isSo(pod)) done.add(pod.metadata?.name ?? '');
  };
  const stop = informer.on({ added: seen, updated: seen });
  const limits = { clock: systemClock, limitMs: LIMIT_MS, what: `${count} pods` };
  await waitUntil([informer as never], () => done.size === count, limits).finally(stop);
}
