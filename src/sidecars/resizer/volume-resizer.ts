import type { Client } from '../../client/index.ts';
import type { CsiClient } from '../../csi/index.ts';
import {
  ANN_STORAGE_RESIZER,
  formatBytes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  quantityValue,
} from '../../kube/index.ts';
import { translateVolume } from '../../volume/migration/index.ts';
import { credentialsOf, type SecretReference } from '../shared/credentials.ts';
import type { Driver } from '../shared/driver.ts';
import { volumeCapability } from '../shared/volume-capability.ts';

/** What a volume has become. */
export interface Resized {
  /** As a quantity. */
  readonly size: string;
  /** A node has to do something, too. */
  readonly onNode: boolean;
}

/** How the driver's volumes grow on the controller's side. */
export interface VolumeResizer {
  /** The driver does something there at all. */
  readonly inControlPlane: boolean;
  resize(volume: PersistentVolume, newSize: string, signal: AbortSignal): Promise<Resized>;
}

/** For a driver whose volumes grow on their nodes alone. */
export const TRIVIAL_RESIZER: VolumeResizer = {
  inControlPlane: false,
  resize: async (_volume, newSize) => ({ size: newSize, onNode: true }),
};

export interface CsiResizerOptions {
  readonly client: Client;
  readonly csi: CsiClient;
  readonly driver: Driver;
  readonly timeoutMs: number;
}

/** Grows volumes by ControllerExpandVolume, also those of an in-tree plugin that the driver took over from. */
export function createCsiResizer({ client, csi, driver, timeoutMs }: CsiResizerOptions): VolumeResizer {
  return {
    inControlPlane: true,
    async resize(volume, newSize, signal) {
      const spec = translateVolume(volume).spec ?? {};
      const source = spec.csi;
      if (!source) throw new Error(`volume ${volume.metadata?.name} is not migrated to CSI`);
      if (source.volumeHandle === '') throw new Error('empty volume handle');
      const secrets = await credentialsOf(client, referenceOf(source.controllerExpandSecretRef));
      const response = await csi.controller.controllerExpandVolume(
        {
          volumeId: source.volumeHandle,
          capacityRange: { requiredBytes: quantityValue(newSize) },
          volumeCapability: volumeCapability(spec, driver.controller.has('SINGLE_NODE_MULTI_WRITER')),
          secrets,
        },
        { timeoutMs, signal },
      );
      return { size: formatBytes(response.capacityBytes), onNode: response.nodeExpansionRequired };
    },
  };
}

/** Whether the volume is this driver's to grow: by its source, or by the claim's annotation for a migrated one (CanSupport). */
export function isVolumeOf(driver: string, volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  if (volume.spec?.csi) return volume.spec.csi.driver === driver;
  return (
    claim.metadata?.annotations?.[ANN_STORAGE_RESIZER] === driver &&
    translateVolume(volume).spec?.csi?.driver === driver
  );
}

export function referenceOf(
  ref: { readonly name?: string; readonly namespace?: string } | undefined,
): SecretReference | undefined {
  return ref && { name: ref.name ?? '', namespace: ref.namespace ?? '' };
}
