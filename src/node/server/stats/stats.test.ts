import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Metrics } from '../../../base/index.ts';
import type { Pod, Stored } from '../../../kube/index.ts';
import type { VolumeStats } from '../../../volume/index.ts';
import type { CgroupUsage } from '../../cgroups/index.ts';
import type { ContainerRecord } from '../../runtime/index.ts';
import type { PodVolumeStats } from '../../volume-stats/index.ts';
import { summary } from './summary.ts';
import { cadvisorMetrics, type MeasuredPod, resourceMetrics } from './usage-metrics.ts';
import { UsageRates } from './usage-stats.ts';
import { addVolumeStatsMetrics } from './volume-metrics.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const pod = (uid: string, claimName: string) =>
  ({
    metadata: { name: uid, namespace: 'default', uid },
    status: { startTime: '2026-01-01T00:00:00Z' },
    spec: {
      containers: [],
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName } },
        { name: 'own', ephemeral: { volumeClaimTemplate: {} } },
        { name: 'scratch', emptyDir: {} },
      ],
    },
  }) as unknown as Stored<Pod>;
const full = { capacity: 100, available: 40, used: 50, inodes: 10, inodesFree: 7, inodesUsed: 3 };
const measured: PodVolumeStats = {
  atMs: NOW - 1000,
  volumes: new Map<string, VolumeStats>([
    ['data', { ...full, condition: { abnormal: true, message: 'worn' } }],
    ['own', { capacity: 5 }],
    ['scratch', full],
  ]),
};
const volumes = (uid: string) => (uid === 'new' ? undefined : measured);

const used: CgroupUsage = {
  atMs: NOW,
  cpuMicroseconds: 2_000_000,
  memoryBytes: 70,
  workingSetBytes: 60,
  rssBytes: 50,
  cacheBytes: 20,
  pageFaults: 7,
  majorPageFaults: 1,
  memoryLimitBytes: 100,
  processes: 3,
};

describe('rates', () => {
  it('are of the time between two looks, and forgotten with who was not seen', () => {
    const rates = new UsageRates();
    assert.equal(rates.nanoCores('a', used), undefined);
    rates.turn();
    const later = { ...used, atMs: NOW + 2000, cpuMicroseconds: 3_000_000 };
    assert.equal(rates.nanoCores('a', later), 500_000_000);
    rates.turn();
    assert.equal(rates.nanoCores('a', later), 500_000_000, 'a look at the same moment');
    rates.turn();
    rates.turn();
    assert.equal(rates.nanoCores('a', later), undefined);
  });
});

describe('metrics of containers', () => {
  const record = { id: 'id-a', containerName: 'main', image: 'app:1', startedAtMs: 1500 } as ContainerRecord;
  const pods: MeasuredPod[] = [
    {
      namespace: 'default',
      name: 'a',
      containers: [record],
      usage: { pod: { ...used, workingSetBytes: 65 }, containers: new Map([['id-a', used]]) },
    },
  ];

  it('are told of containers and pods', () => {
    const lines = resourceMetrics(pods).split('\n');
    const of = (name: string) => lines.filter((line) => line.startsWith(name));
    const labels = 'container="main",pod="a",namespace="default"';
    assert.deepEqual(of('container_cpu_usage_seconds_total'), [
      `container_cpu_usage_seconds_total{${labels}} 2`,
    ]);
    assert.deepEqual(of('container_start_time_seconds'), [`container_start_time_seconds{${labels}} 1.5`]);
    assert.deepEqual(of('pod_memory_working_set_bytes'), [
      'pod_memory_working_set_bytes{pod="a",namespace="default"} 65',
    ]);
    assert.deepEqual(of('resource_scrape_error'), ['resource_scrape_error 0']);
  });

  it('have the names and labels of cAdvisor', () => {
    assert.match(
      cadvisorMetrics(pods),
      /^container_memory_rss{container="main",id="id-a",image="app:1",name="id-a",namespace="default",pod="a"} 50$/m,
    );
  });
});

describe('the summary of a node', () => {
  const container = (uid: string, state: string) =>
    ({ id: `id-${uid}`, containerName: 'main', state, startedAtMs: NOW - 5000 }) as ContainerRecord;
  const answer = summary({
    nodeName: 'node-1',
    nowMs: NOW,
    startedAtMs: NOW - 60_000,
    fs: {
      totalBytes: 1000n,
      freeBytes: 400n,
      availableBytes: 300n,
      inodes: 20n,
      freeInodes: 5n,
      type: '0xef53',
    },
    pods: [pod('a', 'claim'), pod('new', 'claim'), pod('ended', 'claim')],
    containers: (uid) => [container(uid, uid === 'ended' ? 'exited' : 'running')],
    volumes,
    usage: new Map([['a', { pod: used, containers: new Map([['id-a', used]]) }]]),
    rates: new UsageRates(),
    storage: new Map([
      [
        'id-a',
        {
          rootfs: { capacity: 9, available: 8, used: 7, inodes: 6, inodesFree: 5, inodesUsed: 4 },
          logs: { used: 3 },
        },
      ],
    ]),
  });
  const time = '2026-01-02T03:04:04Z';
  const fs = (capacity: number, available: number, used: number, inodes: number[]) => ({
    availableBytes: available,
    capacityBytes: capacity,
    usedBytes: used,
    inodes: inodes[0],
    inodesFree: inodes[1],
    inodesUsed: inodes[2],
  });

  it('tells of the node, and of pods that run', () => {
    assert.deepEqual(answer.node, {
      nodeName: 'node-1',
      startTime: '2026-01-02T03:03:05Z',
      fs: { time: '2026-01-02T03:04:05Z', ...fs(1000, 300, 600, [20, 5, 15]) },
    });
    assert.deepEqual(
      answer.pods.map(({ podRef, containers }) => [
        podRef,
        containers.map(({ name, startTime }) => ({ name, startTime })),
      ]),
      ['a', 'new'].map((name) => [
        { name, namespace: 'default', uid: name },
        [{ name: 'main', startTime: '2026-01-02T03:04:00Z' }],
      ]),
    );
  });

  it('tells what pods and containers use, where somebody counts', () => {
    const cpu = { time: '2026-01-02T03:04:05Z', usageCoreNanoSeconds: 2_000_000_000 };
    const memory = {
      time: '2026-01-02T03:04:05Z',
      availableBytes: 40,
      usageBytes: 70,
      workingSetBytes: 60,
      rssBytes: 50,
      pageFaults: 7,
      majorPageFaults: 1,
    };
    const [counted, other] = answer.pods;
    assert.deepEqual([counted!.cpu, counted!.memory], [cpu, memory]);
    assert.deepEqual([counted!.containers[0]!.cpu, counted!.containers[0]!.memory], [cpu, memory]);
    assert.deepEqual(counted!.process_stats, { process_count: 3 });
    assert.equal(other!.cpu, undefined);
  });

  it('tells what containers have written, and what the pod has on the node’s disk with its emptyDirs', () => {
    const [counted, other] = answer.pods;
    const now = '2026-01-02T03:04:05Z';
    assert.deepEqual(counted!.containers[0]!.rootfs, { time: now, ...fs(9, 8, 7, [6, 5, 4]) });
    assert.equal(counted!.containers[0]!.logs?.usedBytes, 3);
    const onDisk = { time: now, ...fs(1000, 300, 7 + 3 + 50, [20, 5, 4 + 3]) };
    assert.deepEqual(counted!['ephemeral-storage'], onDisk);
    assert.equal(other!.containers[0]!.rootfs, undefined, 'it could not be measured');
    assert.equal(other!['ephemeral-storage'].usedBytes, 0);
  });

  it('names the claims of volumes, and tells 0 where nothing is known', () => {
    assert.deepEqual(answer.pods[0]!.volume, [
      {
        time,
        ...fs(100, 40, 50, [10, 7, 3]),
        name: 'data',
        pvcRef: { name: 'claim', namespace: 'default' },
        volumeHealthStats: { abnormal: true },
      },
      { time, ...fs(5, 0, 0, [0, 0, 0]), name: 'own', pvcRef: { name: 'a-own', namespace: 'default' } },
      { time, ...fs(100, 40, 50, [10, 7, 3]), name: 'scratch' },
    ]);
    assert.equal(answer.pods[1]!.volume, undefined, 'not looked at yet');
  });
});

describe('kubelet_volume_stats', () => {
  it('are told once for each claim, and health only where it is known', () => {
    const metrics = new Metrics();
    addVolumeStatsMetrics(metrics, { pods: () => [pod('a', 'claim'), pod('b', 'claim')], volumes });
    const lines = metrics.text().split('\n');
    const of = (name: string) =>
      lines
        .filter((line) => line.startsWith(`kubelet_volume_stats_${name}{`))
        .map((line) => line.split('{')[1]);
    const labels = (claim: string) => `namespace="default",persistentvolumeclaim="${claim}"}`;
    assert.deepEqual(of('used_bytes'), [
      `${labels('claim')} 50`,
      `${labels('a-own')} 0`,
      `${labels('b-own')} 0`,
    ]);
    assert.deepEqual(of('health_status_abnormal'), [`${labels('claim')} 1`]);
    assert.deepEqual(of('inodes_free')[0], `${labels('claim')} 7`);
  });
});
