import {
  ANN_DEFAULT_GROUP_SNAPSHOT_CLASS,
  ANN_DEFAULT_SNAPSHOT_CLASS,
  annotation,
  type Stored,
  type VolumeGroupSnapshotClass,
  type VolumeSnapshotClass,
} from '../../kube/index.ts';

/**
 * The class for snapshots of a driver's volumes that name none.
 * @throws Error unless there is exactly one. Source: SetDefaultSnapshotClass.
 */
export function defaultSnapshotClass(
  classes: Iterable<Stored<VolumeSnapshotClass>>,
  driver: string,
): Stored<VolumeSnapshotClass> {
  return onlyOne(classes, driver, ANN_DEFAULT_SNAPSHOT_CLASS, 'cannot find default snapshot class');
}

/** As defaultSnapshotClass. Source: SetDefaultGroupSnapshotClass. */
export function defaultGroupClass(
  classes: Iterable<Stored<VolumeGroupSnapshotClass>>,
  driver: string,
): Stored<VolumeGroupSnapshotClass> {
  const none = 'cannot find default group snapshot class';
  return onlyOne(classes, driver, ANN_DEFAULT_GROUP_SNAPSHOT_CLASS, none);
}

function onlyOne<C extends Stored<VolumeSnapshotClass>>(
  classes: Iterable<C>,
  driver: string,
  mark: string,
  none: string,
): C {
  const defaults = [...classes].filter((one) => annotation(one, mark) === 'true' && one.driver === driver);
  const [only] = defaults;
  if (!only) throw new Error(none);
  if (defaults.length > 1) throw new Error(`${defaults.length} default snapshot classes were found`);
  return only;
}
