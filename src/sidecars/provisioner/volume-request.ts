import { csiAccessMode, type VolumeCapabilityInit } from '../../csi/index.ts';
import {
  type PersistentVolumeClaim,
  quantityValue,
  type SecretReference,
  type StorageClass,
  type Stored,
  volumeModeOf,
} from '../../kube/index.ts';
import type { Driver } from '../shared/driver.ts';
import { type DataSource, dataSourceOf } from './data-source.ts';
import { checkCapabilities } from './driver.ts';
import type { Flags } from './options.ts';
import { driverParameters, fsTypeOf, SECRET_PURPOSES, type SecretPurpose } from './parameters.ts';
import { failingAs, ProvisionError } from './provision-error.ts';
import { secretReference } from './secrets.ts';
import { volumeNameFor } from './volume-name.ts';

/** What is known about a volume before the driver is asked. */
export interface VolumeRequest {
  readonly name: string;
  readonly requiredBytes: bigint;
  readonly fsType: string;
  readonly volumeCapabilities: readonly VolumeCapabilityInit[];
  readonly parameters: Record<string, string>;
  /** What the volume is to hold. */
  readonly dataSource: DataSource | undefined;
  readonly secretReferences: Partial<Record<SecretPurpose, SecretReference>>;
}

/**
 * What a claim asks of the driver, all but the place. One volume capability for each access mode of the claim.
 * @throws ProvisionError, IgnoredClaim. Source: prepareProvision of external-provisioner.
 */
export function volumeRequest(
  claim: Stored<PersistentVolumeClaim>,
  storageClass: StorageClass,
  driver: Driver,
  flags: Flags,
): VolumeRequest {
  const dataSource = dataSourceOf(claim, { crossNamespace: flags.crossNamespaceVolumeDataSource });
  const attributesClass = claim.spec?.volumeAttributesClassName;
  failingAs('finished', () =>
    checkCapabilities(driver, {
      snapshot: dataSource?.kind === 'VolumeSnapshot',
      clone: dataSource?.kind === 'PersistentVolumeClaim',
      modifyVolume: Boolean(attributesClass),
    }),
  );
  if (claim.spec?.selector) throw new ProvisionError('finished', 'claim Selector is not supported');
  const parameters = storageClass.parameters ?? {};
  return failingAs('finished', () => {
    const name = volumeNameFor(claim.metadata.uid, flags.volumeNamePrefix, flags.volumeNameUuidLength);
    const fsType = fsTypeOf(parameters, flags.defaultFsType);
    const mountFlags = [...(storageClass.mountOptions ?? [])];
    const accessType: VolumeCapabilityInit['accessType'] =
      volumeModeOf(claim) === 'Block'
        ? { case: 'block', value: {} }
        : { case: 'mount', value: { fsType, mountFlags } };
    const tellsWriters = driver.controller.has('SINGLE_NODE_MULTI_WRITER');
    const volumeCapabilities = (claim.spec?.accessModes ?? []).map((mode) => ({
      accessType,
      accessMode: { mode: csiAccessMode([mode], tellsWriters) },
    }));
    return {
      name,
      requiredBytes: quantityValue(claim.spec?.resources?.requests?.storage),
      fsType,
      volumeCapabilities,
      dataSource,
      // The class may be mended at any time, while an earlier try may be under way.
      secretReferences: failingAs('no-change', () => secretReferences(parameters, name, claim)),
      parameters: {
        ...driverParameters(parameters),
        ...(flags.extraCreateMetadata && metadataParameters(name, claim)),
      },
    };
  });
}

function secretReferences(
  parameters: Readonly<Record<string, string>>,
  volumeName: string,
  claim: PersistentVolumeClaim,
): VolumeRequest['secretReferences'] {
  const found = SECRET_PURPOSES.map((purpose) => [
    purpose,
    secretReference(purpose, parameters, volumeName, claim),
  ]);
  return Object.fromEntries(found.filter(([, reference]) => reference !== undefined));
}

function metadataParameters(
  volumeName: string,
  { metadata }: Stored<PersistentVolumeClaim>,
): Record<string, string> {
  return {
    'csi.storage.k8s.io/pvc/name': metadata.name,
    'csi.storage.k8s.io/pvc/namespace': metadata.namespace ?? '',
    'csi.storage.k8s.io/pv/name': volumeName,
  };
}
