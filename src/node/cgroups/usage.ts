import { join } from 'node:path';
import type { Files } from '../../host/index.ts';

/** What the processes of a control group have used and hold. */
export interface CgroupUsage {
  /** Wall time, milliseconds. */
  readonly atMs: number;
  readonly cpuMicroseconds: number;
  readonly memoryBytes: number;
  /** Without what the kernel could let go of at once: it counts against a limit last. */
  readonly workingSetBytes: number;
  readonly rssBytes: number;
  readonly cacheBytes: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
  /** Absent: no limit. */
  readonly memoryLimitBytes?: number;
  readonly processes: number;
}

/** `NAME VALUE` lines (cgroup-v2, flat keyed). */
export function parseFlat(text: string): ReadonlyMap<string, number> {
  const rows = text.split('\n').map((line) => line.split(' '));
  return new Map(rows.filter((row) => row.length === 2).map(([name, value]) => [name!, Number(value)]));
}

/** The figures of a group; undefined when it is gone. Working set: usage without inactive files, as cAdvisor has it. */
export async function readUsage(
  files: Pick<Files, 'read'>,
  directory: string,
  atMs: number,
): Promise<CgroupUsage | undefined> {
  const read = (file: string) => files.read(join(directory, file));
  try {
    const [cpu, current, max, stat, pids] = await Promise.all(
      ['cpu.stat', 'memory.current', 'memory.max', 'memory.stat', 'pids.current'].map(read),
    );
    const memory = parseFlat(stat!);
    const of = (name: string) => memory.get(name) ?? 0;
    const memoryBytes = Number(current);
    return {
      atMs,
      cpuMicroseconds: parseFlat(cpu!).get('usage_usec') ?? 0,
      memoryBytes,
      workingSetBytes: Math.max(0, memoryBytes - of('inactive_file')),
      rssBytes: of('anon'),
      cacheBytes: of('file'),
      pageFaults: of('pgfault'),
      majorPageFaults: of('pgmajfault'),
      ...(max!.trim() === 'max' ? {} : { memoryLimitBytes: Number(max) }),
      processes: Number(pids),
    };
  } catch {
    return undefined;
  }
}

/** Whether the kernel has killed a process of the group for want of memory. */
export async function wasOomKilled(files: Pick<Files, 'read'>, directory: string): Promise<boolean> {
  const events = await files.read(join(directory, 'memory.events')).catch(() => '');
  return (parseFlat(events).get('oom_kill') ?? 0) > 0;
}
