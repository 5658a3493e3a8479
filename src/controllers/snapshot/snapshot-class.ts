import {
  ANN_DEFAULT_SNAPSHOT_CLASS,
  annotation,
  type Stored,
  type VolumeSnapshotClass,
} from '../../kube/index.ts';

type Class = Stored<VolumeSnapshotClass>;

/**
 * The class for snapshots of a driver's volumes that name none.
 * @throws Error unless there is exactly one. Source: SetDefaultSnapshotClass.
 */
export function defaultSnapshotClass(classes: Iterable<Class>, driver: string): Class {
  const defaults = [...classes].filter(
    (one) => annotation(one, ANN_DEFAULT_SNAPSHOT_CLASS) === 'true' && one.driver === driver,
  );
  const [only] = defaults;
  if (!only) throw new Error('cannot find default snapshot class');
  if (defaults.length > 1) throw new Error(`${defaults.length} default snapshot classes were found`);
  return only;
}
