const MIB = 1n << 20n;
const GIB = 1n << 30n;

/** Whole GiB, or else MiB, where there are at least ten of them: what is easy to read. Source: roundDownCapacityPretty. */
export function roundDown(bytes: bigint): bigint {
  for (const unit of [GIB, MIB]) if (bytes / unit >= 10n) return (bytes / unit) * unit;
  return bytes;
}

/** In steps of 500 GiB, as a metric's label. Source: CapacityBreakDown. */
export function capacityStep(bytes: bigint): string {
  const step = 500n * GIB;
  return `${((bytes + step - 1n) / step) * 500n}G`;
}
