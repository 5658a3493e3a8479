import { type LabelValues, Metrics } from '../../../base/index.ts';
import type { CgroupUsage } from '../../cgroups/index.ts';
import type { ContainerRecord, PodUsage } from '../../runtime/index.ts';

/** A pod that runs, and what it uses. */
export interface MeasuredPod {
  readonly namespace: string;
  readonly name: string;
  /** Those that run. */
  readonly containers: readonly ContainerRecord[];
  readonly usage: PodUsage;
}

type Figure = (usage: CgroupUsage) => number;
const cpuSeconds: Figure = ({ cpuMicroseconds }) => cpuMicroseconds / 1e6;
const workingSet: Figure = ({ workingSetBytes }) => workingSetBytes;

/** The answer of /metrics/resource. Source: pkg/kubelet/metrics/collectors/resource_metrics.go. */
export function resourceMetrics(pods: readonly MeasuredPod[]): string {
  const metrics = new Metrics();
  const ofContainer = ['container', 'pod', 'namespace'];
  const ofPod = ['pod', 'namespace'];
  const containers = (figure: (usage: CgroupUsage, record: ContainerRecord) => number) => () =>
    measuredContainers(pods).map(({ pod, record, usage }): readonly [LabelValues, number] => [
      [record.containerName, pod.name, pod.namespace],
      figure(usage, record),
    ]);
  const wholes = (figure: Figure) => () =>
    pods.map(({ name, namespace, usage }): readonly [LabelValues, number] => [
      [name, namespace],
      figure(usage.pod),
    ]);
  const add = (
    name: string,
    help: string,
    labels: readonly string[],
    read: () => readonly (readonly [LabelValues, number])[],
    type?: 'counter',
  ) => metrics.gauge({ name, help: `[STABLE] ${help}`, labels, type }, read);
  const cpu = (what: string) => `Cumulative cpu time consumed by the ${what} in core-seconds`;
  const memory = (what: string) => `Current working set of the ${what} in bytes`;
  add('container_cpu_usage_seconds_total', cpu('container'), ofContainer, containers(cpuSeconds), 'counter');
  add('container_memory_working_set_bytes', memory('container'), ofContainer, containers(workingSet));
  add(
    'container_start_time_seconds',
    'Start time of the container since unix epoch in seconds',
    ofContainer,
    containers((_usage, { startedAtMs }) => startedAtMs / 1000),
  );
  add('pod_cpu_usage_seconds_total', cpu('pod'), ofPod, wholes(cpuSeconds), 'counter');
  add('pod_memory_working_set_bytes', memory('pod'), ofPod, wholes(workingSet));
  add(
    'resource_scrape_error',
    '1 if there was an error while getting container metrics, 0 otherwise',
    [],
    () => [[[], 0]],
  );
  return metrics.text();
}

const CADVISOR: readonly [name: string, help: string, figure: Figure, type?: 'counter'][] = [
  ['cpu_usage_seconds_total', 'Cumulative cpu time consumed in seconds.', cpuSeconds, 'counter'],
  ['memory_usage_bytes', 'Current memory usage in bytes, including all memory.', (one) => one.memoryBytes],
  ['memory_working_set_bytes', 'Current working set in bytes.', workingSet],
  ['memory_rss', 'Size of RSS in bytes.', (one) => one.rssBytes],
  ['memory_cache', 'Number of bytes of page cache memory.', (one) => one.cacheBytes],
  ['spec_memory_limit_bytes', 'Memory limit for the container.', (one) => one.memoryLimitBytes ?? 0],
  ['processes', 'Number of processes running inside the container.', (one) => one.processes],
];

/** The answer of /metrics/cadvisor, as far as control groups tell: names and labels are cAdvisor's. */
export function cadvisorMetrics(pods: readonly MeasuredPod[]): string {
  const metrics = new Metrics();
  const labels = ['container', 'id', 'image', 'name', 'namespace', 'pod'];
  for (const [name, help, figure, type] of CADVISOR)
    metrics.gauge({ name: `container_${name}`, help, labels, type }, () =>
      measuredContainers(pods).map(({ pod, record, usage }) => [
        [record.containerName, record.id, record.image, record.id, pod.namespace, pod.name],
        figure(usage),
      ]),
    );
  return metrics.text();
}

function measuredContainers(pods: readonly MeasuredPod[]) {
  return pods.flatMap((pod) =>
    pod.containers.flatMap((record) => {
      const usage = pod.usage.containers.get(record.id);
      return usage ? [{ pod, record, usage }] : [];
    }),
  );
}
