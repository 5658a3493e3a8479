import type { Client } from '../src/client/index.ts';
import {
  csiNodes,
  type Node,
  nodes,
  type PersistentVolume,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  secrets,
} from '../src/kube/index.ts';
import { type Figure, timed } from './figure.ts';
import { allPlaced, NAMESPACE, numbered, withScheduler } from './scheduler-cluster.ts';

// The workloads of upstream's scheduler_perf (volumes/performance-config.yaml), of the size that its CI measures.

const NODES = 5_000;
const DRIVER = 'ebs.csi.aws.com';
const VOLUMES_A_NODE = 39;

interface Workload {
  readonly name: string;
  /** Pods that are there before the clock runs. */
  readonly before: number;
  readonly measured: number;
  /** The volume behind each pod's claim; without one pods mount a secret. */
  readonly source?: (name: string) => Partial<PersistentVolume['spec']>;
}

const WORKLOADS: readonly Workload[] = [
  {
    name: 'SchedulingCSIPVs',
    before: 5_000,
    measured: 5_000,
    source: (volumeHandle) => ({ csi: { driver: DRIVER, volumeHandle } }),
  },
  {
    name: 'SchedulingInTreePVs',
    before: 1_000,
    measured: 2_000,
    source: (volumeID) => ({ awsElasticBlockStore: { volumeID } }),
  },
  { name: 'SchedulingSecrets', before: 1_000, measured: 10_000 },
];
const BUDGET = 1_100;

/** How many pods a second get a node on 5,000 nodes, in one process with the API server, state in memory. */
export async function scheduling(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const workload of WORKLOADS) figures.push(...(await run(workload)));
  return figures;
}

async function run({ name, before, measured, source }: Workload): Promise<Figure[]> {
  return withScheduler(async (cluster) => {
    const { client } = cluster;
    await Promise.all(numbered('node', NODES).map((node) => createNode(client, node)));
    if (!source) await client.create(secrets, { metadata: { name: 'secret', namespace: NAMESPACE } });
    const names = { before: numbered('before', before), measured: numbered('measured', measured) };
    for (const pod of source ? [...names.before, ...names.measured] : []) {
      await createPair(client, pod, source!(pod));
    }
    cluster.startScheduler();
    const place = async (which: readonly string[]) => {
      const placed = allPlaced(cluster, which);
      await Promise.all(which.map((pod) => client.create(pods, newPod(pod, source !== undefined))));
      await placed;
    };
    await place(names.before);
    const cpu = process.cpuUsage();
    const tookMs = await timed(() => place(names.measured));
    const { user, system } = process.cpuUsage(cpu);
    return [
      { what: name, value: (measured / tookMs) * 1_000, unit: '/s', budget: BUDGET, more: true },
      { what: `${name}, processor time`, value: (user + system) / measured, unit: 'µs' },
    ];
  });
}

async function createNode(client: Client, name: string): Promise<void> {
  const allocatable = { pods: '110', cpu: '4', memory: '32Gi', [`attachable-volumes-csi-${DRIVER}`]: '39' };
  const status = {
    capacity: allocatable,
    allocatable,
    conditions: [{ type: 'Ready', status: 'True' }],
  };
  const node = await client.create<Node>(nodes, { metadata: { name } });
  await client.update<Node>(nodes, { ...node, status }, { subresource: 'status' });
  const drivers = [{ name: DRIVER, nodeID: name, allocatable: { count: VOLUMES_A_NODE } }];
  await client.create(csiNodes, { metadata: { name }, spec: { drivers } });
}

/** A volume and a claim that are bound already. */
async function createPair(
  client: Client,
  name: string,
  source: Partial<PersistentVolume['spec']>,
): Promise<void> {
  const capacity = { storage: '1Gi' };
  const accessModes = ['ReadOnlyMany'];
  const claim = await client.create(persistentVolumeClaims, {
    metadata: { name, namespace: NAMESPACE, annotations: { 'pv.kubernetes.io/bind-completed': 'true' } },
    spec: { accessModes, resources: { requests: capacity }, volumeName: name, storageClassName: '' },
  });
  const claimRef = { namespace: NAMESPACE, name, uid: claim.metadata.uid };
  await client.create(persistentVolumes, {
    metadata: { name },
    spec: { accessModes, capacity, persistentVolumeReclaimPolicy: 'Retain', claimRef, ...source },
  });
}

function newPod(name: string, withClaims: boolean): Pod {
  const amounts = { cpu: '100m', memory: '500Mi' };
  const ports = [{ containerPort: 80 }];
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      containers: [
        { name: 'pause', image: 'pause', ports, resources: { limits: amounts, requests: amounts } },
      ],
      volumes: withClaims
        ? [{ name: 'vol', persistentVolumeClaim: { claimName: name } }]
        : [{ name: 'secret', secret: { secretName: 'secret' } }],
    },
  };
}
