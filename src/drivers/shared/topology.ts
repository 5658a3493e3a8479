import { LABEL_REGION, LABEL_ZONE } from '../../kube/index.ts';

/** Where storage is, or a node: topology segments. */
export type Topology = Readonly<Record<string, string>>;

/** The labels of a node that say where it is, as far as it carries them. */
export function zoneOf(labels: Readonly<Record<string, string>> | undefined): Topology {
  const known = [LABEL_ZONE, LABEL_REGION].filter((label) => labels?.[label] !== undefined);
  return Object.fromEntries(known.map((label) => [label, labels![label]!]));
}

type Segments = { readonly segments?: Readonly<Record<string, string>> };

/**
 * Where a volume that must meet the requirements is to be, as wide as they allow: the first of the preferred, then of
 * the requisite topologies in which one of `places` lies. A segment that no place speaks of cannot be met; without any
 * requisite `{}`: anywhere. `undefined`: nowhere.
 */
export function placeFor(
  requirements:
    | { readonly requisite?: readonly Segments[]; readonly preferred?: readonly Segments[] }
    | undefined,
  places: readonly Topology[],
): Topology | undefined {
  const { requisite = [], preferred = [] } = requirements ?? {};
  const terms = [...preferred, ...requisite].map(({ segments = {} }) => segments);
  if (terms.length === 0) return {};
  return terms.find((segments) =>
    places.some((place) => Object.entries(segments).every(([key, value]) => place[key] === value)),
  );
}
