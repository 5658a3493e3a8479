/** Where a pool is, or a node: topology segments. */
export type Topology = Readonly<Record<string, string>>;

/** The machine that holds the pool. */
export const TOPOLOGY_HOST = 'topology.disk.csi.stowage.dev/host';

type Segments = { readonly segments?: Readonly<Record<string, string>> };

/**
 * Whether a volume in the pool meets the requirements: one requisite topology must be where the pool is. A segment that
 * the pool does not speak of cannot be met; no requisite at all is met anywhere.
 */
export function servesTopology(
  requirements: { readonly requisite?: readonly Segments[] } | undefined,
  pool: Topology,
): boolean {
  const requisite = requirements?.requisite ?? [];
  return (
    requisite.length === 0 ||
    requisite.some(({ segments }) =>
      Object.entries(segments ?? {}).every(([key, value]) => pool[key] === value),
    )
  );
}
