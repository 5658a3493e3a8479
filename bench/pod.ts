import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../src/client/index.ts';
import { type Cluster, startCluster } from '../src/cluster.ts';
import { persistentVolumeClaims, persistentVolumes, pods, storageClasses } from '../src/kube/index.ts';
import { run } from '../test/support/command.ts';
import { type Figure, median, timed } from './figure.ts';

const RUNS = 15;
const SIZE = '64M';
const LIMIT_MS = 60_000;

/** Claim and pod to a running container, beside the same work by bare shell commands, in turns. */
export async function pod(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const cluster = await startCluster({ dataDir: directory, logLevel: 'error' });
  try {
    await cluster.client.create(storageClasses, {
      metadata: { name: 'first-consumer' },
      provisioner: 'disk.csi.stowage.dev',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    await runPod(cluster, 'warm-up');
    const ours: number[] = [];
    const bare: number[] = [];
    for (let i = 0; i < RUNS; i++) {
      bare.push(await bareShell(directory));
      ours.push(await runPod(cluster, `pod-${i}`));
    }
    const shell = median(bare);
    return [
      {
        what: 'claim + pod to container running, fresh ext4, median',
        value: median(ours),
        unit: 'ms',
        budget: 1.5 * shell,
        beside: { what: 'bare shell', value: shell },
      },
    ];
  } finally {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Creates claim and pod, waits until the container runs, deletes both and waits until the volume is gone. */
async function runPod(cluster: Cluster, name: string): Promise<number> {
  const { client, clock, informers } = cluster;
  const podInformer = informers.of(pods);
  const volumeInformer = informers.of(persistentVolumes);
  const running = () => podInformer.get(name, 'default')?.status?.containerStatuses?.[0]?.state?.running;
  const took = await timed(async () => {
    const wait = waitUntil([podInformer as never], running, {
      clock,
      limitMs: LIMIT_MS,
      what: `${name} to run`,
    });
    await client.create(persistentVolumeClaims, {
      metadata: { name, namespace: 'default' },
      spec: {
        storageClassName: 'first-consumer',
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: SIZE } },
      },
    });
    await client.create(pods, {
      metadata: { name, namespace: 'default' },
      spec: {
        containers: [
          {
            name: 'main',
            image: 'host',
            command: ['sleep', '1000'],
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
      },
    });
    await wait;
  });
  await client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 1 });
  await client.delete(persistentVolumeClaims, { namespace: 'default', name });
  await waitUntil([volumeInformer as never], () => volumeInformer.size === 0, {
    clock,
    limitMs: LIMIT_MS,
    what: 'the volume to go',
  });
  return took;
}

/** The same by hand: an image, a loop device, a file system, a mount, a bind mount. Cleaned up outside the time. */
export async function bareShell(directory: string): Promise<number> {
  const shell = async (script: string) => {
    const { code, stderr } = await run('sh', ['-ec', script]);
    if (code !== 0) throw new Error(`bare shell: ${stderr}`);
  };
  const base = `${directory}/bare`;
  await shell(`mkdir -p ${base}/global ${base}/pod`);
  const took = await timed(() =>
    shell(`truncate -s ${SIZE} ${base}/image
      device=$(losetup -f --show ${base}/image)
      mkfs.ext4 -q -F -m0 $device
      mount -t ext4 $device ${base}/global
      mount --bind ${base}/global ${base}/pod`),
  );
  await shell(
    `device=$(findmnt -n -o SOURCE ${base}/global); umount ${base}/pod ${base}/global; losetup -d $device; rm -r ${base}`,
  );
  return took;
}
