// Amounts of processor time as the kernel counts them. Sources: pkg/kubelet/cm (helpers_linux.go, cgroup_manager_linux.go) and
// github.com/opencontainers/cgroups, with which runtimes do the last step for containers.

const LEAST_SHARES = 2n;
const MOST_SHARES = 262_144n;
/** In microseconds: within how much time a quota holds, and the least quota there is. */
export const QUOTA_PERIOD = 100_000n;
const LEAST_QUOTA = 1_000n;
const MOST_WEIGHT = 10_000n;

/** Thousandths of a core as shares of the processor (MilliCPUToShares). */
export function milliCpuToShares(milliCpu: bigint): bigint {
  const shares = (milliCpu * 1024n) / 1000n;
  if (shares < LEAST_SHARES) return LEAST_SHARES;
  return shares > MOST_SHARES ? MOST_SHARES : shares;
}

/** Thousandths of a core as microseconds in a period (MilliCPUToQuota); 0: no limit. */
export function milliCpuToQuota(milliCpu: bigint): bigint {
  if (milliCpu === 0n) return 0n;
  const quota = (milliCpu * QUOTA_PERIOD) / 1000n;
  return quota < LEAST_QUOTA ? LEAST_QUOTA : quota;
}

/** The weight of a pod or a class of pods: a straight line (getCPUWeight). */
export function podCpuWeight(shares: bigint): bigint {
  if (shares >= MOST_SHARES) return MOST_WEIGHT;
  return 1n + ((shares - LEAST_SHARES) * 9_999n) / 262_142n;
}

/**
 * The weight of a container: a curve through the least, the default (1024 shares are 100) and the most
 * (ConvertCPUSharesToCgroupV2Value).
 */
export function containerCpuWeight(shares: bigint): bigint {
  if (shares <= LEAST_SHARES) return 1n;
  if (shares >= MOST_SHARES) return MOST_WEIGHT;
  const log = Math.log2(Number(shares));
  return BigInt(Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34)));
}
