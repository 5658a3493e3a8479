import type { PersistentVolume, PersistentVolumeClaim } from '../../kube/index.ts';
import type { ProvisionState } from './provision-error.ts';

/** Who wants to know how it goes with the volumes that are made and deleted. */
export interface VolumeObserver {
  made?(claim: PersistentVolumeClaim, volume: PersistentVolume, tookMs: number): void;
  notMade?(claim: PersistentVolumeClaim, state: ProvisionState): void;
  /** The driver has deleted it. */
  deleted?(volume: PersistentVolume): void;
  /** Its object was deleted, too. */
  gone?(volume: PersistentVolume, tookMs: number): void;
  notDeleted?(volume: PersistentVolume): void;
}

/** All of them at once. */
export function observers(all: readonly VolumeObserver[]): Required<VolumeObserver> {
  return {
    made: (...args) => {
      for (const one of all) one.made?.(...args);
    },
    notMade: (...args) => {
      for (const one of all) one.notMade?.(...args);
    },
    deleted: (...args) => {
      for (const one of all) one.deleted?.(...args);
    },
    gone: (...args) => {
      for (const one of all) one.gone?.(...args);
    },
    notDeleted: (...args) => {
      for (const one of all) one.notDeleted?.(...args);
    },
  };
}
