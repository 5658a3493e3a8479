import { rfc3339 } from '../../../base/index.ts';
import type { CgroupUsage } from '../../cgroups/index.ts';

/** Rates need two looks: what was seen last of each container and pod. */
export class UsageRates {
  #last = new Map<string, { readonly usage: CgroupUsage; readonly nanoCores?: number }>();
  #next = new Map<string, { readonly usage: CgroupUsage; readonly nanoCores?: number }>();

  /** Billionths of a core since the last look; undefined at the first. `key` names who uses it. */
  nanoCores(key: string, usage: CgroupUsage): number | undefined {
    const last = this.#last.get(key);
    const elapsedMs = usage.atMs - (last?.usage.atMs ?? usage.atMs);
    const used = usage.cpuMicroseconds - (last?.usage.cpuMicroseconds ?? 0);
    // Two looks at one moment tell nothing new.
    const nanoCores = elapsedMs > 0 && used >= 0 ? Math.round((used / elapsedMs) * 1e6) : last?.nanoCores;
    this.#next.set(key, elapsedMs > 0 || !last ? { usage, nanoCores } : last);
    return nanoCores;
  }

  /** A look is over: who was not seen in it is forgotten. */
  turn(): void {
    [this.#last, this.#next] = [this.#next, new Map()];
  }
}

/** Processor and memory in the words of /stats/summary. Source: stats/v1alpha1 of k8s.io/kubelet. */
export function usageStats(usage: CgroupUsage, usageNanoCores: number | undefined) {
  const time = rfc3339(usage.atMs);
  const { memoryLimitBytes: limit, workingSetBytes } = usage;
  return {
    cpu: {
      time,
      ...(usageNanoCores !== undefined && { usageNanoCores }),
      usageCoreNanoSeconds: usage.cpuMicroseconds * 1000,
    },
    memory: {
      time,
      ...(limit !== undefined && { availableBytes: Math.max(0, limit - workingSetBytes) }),
      usageBytes: usage.memoryBytes,
      workingSetBytes,
      rssBytes: usage.rssBytes,
      pageFaults: usage.pageFaults,
      majorPageFaults: usage.majorPageFaults,
    },
  };
}
