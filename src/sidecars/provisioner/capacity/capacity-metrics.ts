import type { Metrics } from '../../../base/index.ts';

/** How many objects there should be, how many of these there are, and how many there should not be. */
export interface Counts {
  readonly goal: number;
  readonly current: number;
  readonly obsolete: number;
}

const OBJECTS = '[ALPHA] Number of CSIStorageCapacity objects that';

/** As upstream has them. */
export function describeCapacities(
  metrics: Metrics,
  current: () => { readonly counts: Counts } | undefined,
): void {
  const gauge = (name: string, help: string, of: keyof Counts) =>
    metrics.gauge({ name: `csistoragecapacities_${name}`, help: `${OBJECTS} ${help}` }, () => {
      const counts = current()?.counts;
      return counts ? [[[], counts[of]]] : [];
    });
  gauge('desired_goal', 'are supposed to be managed automatically.', 'goal');
  gauge('desired_current', 'exist and are supposed to be managed automatically.', 'current');
  gauge(
    'obsolete',
    'exist and will be deleted automatically. Objects that exist and may need an update are not considered obsolete and therefore not included in this value.',
    'obsolete',
  );
}
