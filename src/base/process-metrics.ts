import type { Metrics } from './metrics.ts';

/** What the process itself uses, under the names that every Prometheus client library has for it. */
export function addProcessMetrics(metrics: Metrics): void {
  const add = (name: string, help: string, read: () => number, type?: 'counter') =>
    metrics.gauge({ name, help, type }, () => [[[], read()]]);
  add(
    'process_cpu_seconds_total',
    'Total user and system CPU time spent in seconds.',
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    'counter',
  );
  add('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss());
  add(
    'process_start_time_seconds',
    'Start time of the process since unix epoch in seconds.',
    () => performance.timeOrigin / 1000,
  );
  add('nodejs_heap_size_used_bytes', 'Process heap size used from Node.js in bytes.', () => {
    return process.memoryUsage().heapUsed;
  });
}
