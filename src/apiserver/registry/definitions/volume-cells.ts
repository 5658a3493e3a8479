import {
  ANN_BETA_STORAGE_CLASS,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../../kube/index.ts';

const SHORT_MODES: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

/** 'RWO,RWX': in this order whatever theirs, each once. */
export function accessModesCell(modes: readonly string[] | undefined): string {
  return SHORT_MODES.filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

/** The class by the old annotation or the field. */
export function classCell(object: PersistentVolume | PersistentVolumeClaim): string {
  return object.metadata?.annotations?.[ANN_BETA_STORAGE_CLASS] ?? object.spec?.storageClassName ?? '';
}
