/** Secrets by the call that they are for, under the names of csi-sanity: `CreateVolumeSecret`. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Calls whose secrets have another name than theirs. Source: CSISecrets of csi-test. */
const NAMES: Readonly<Record<string, string>> = {
  ValidateVolumeCapabilities: 'ControllerValidateVolumeCapabilitiesSecret',
};

/** Every name that a secrets file may contain. */
export const SECRET_NAMES: readonly string[] = [
  'CreateVolume',
  'DeleteVolume',
  'ControllerPublishVolume',
  'ControllerUnpublishVolume',
  'ValidateVolumeCapabilities',
  'NodeStageVolume',
  'NodePublishVolume',
  'CreateSnapshot',
  'DeleteSnapshot',
  'ControllerExpandVolume',
  'ControllerModifyVolume',
  'ListSnapshots',
  'GetSnapshot',
  'NodeExpandVolume',
  'CreateVolumeGroupSnapshot',
  'DeleteVolumeGroupSnapshot',
  'GetVolumeGroupSnapshot',
  'GetMetadataAllocated',
  'GetMetadataDelta',
].map(secretName);

export function secretName(rpc: string): string {
  return NAMES[rpc] ?? `${rpc}Secret`;
}
