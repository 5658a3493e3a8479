import { basename, join } from 'node:path';
import { pluginDirectory } from '../../paths.ts';
import type { ReconstructedVolume, VolumeSpec } from '../../plugin.ts';
import { specFromVolume } from '../../spec.ts';
import { blockSpec } from '../scsi/block-mapper.ts';

export const FC_PLUGIN = 'kubernetes.io/fc';

/** How a disk is found: behind the ports of its targets, or by its own identifiers. */
export type FcDisk =
  | { readonly wwns: readonly string[]; readonly lun: number }
  | { readonly wwids: readonly string[] };

export function findFc(spec: VolumeSpec) {
  return spec.volume?.fc ?? spec.persistentVolume?.spec?.fc;
}

function sourceOf(spec: VolumeSpec) {
  const source = findFc(spec);
  if (!source) throw new Error('Spec does not reference a FibreChannel volume type');
  return source;
}

export function fsTypeOf(spec: VolumeSpec): string | undefined {
  return sourceOf(spec).fsType;
}

export function isReadOnly(spec: VolumeSpec): boolean {
  return spec.volume?.fc ? (sourceOf(spec).readOnly ?? false) : spec.readOnly;
}

/** @throws Error if the spec tells neither target ports with a LUN nor identifiers. */
export function diskOf(spec: VolumeSpec): FcDisk {
  const { targetWWNs: wwns = [], lun, wwids = [] } = sourceOf(spec);
  if (wwns.length > 0 && lun !== undefined) return { wwns, lun };
  // The links below /dev/disk/by-id have no blanks.
  if (wwids.length > 0) return { wwids: wwids.map((wwid) => wwid.replaceAll(' ', '_')) };
  throw new Error('fc: no fc disk information found. failed to make a new mounter');
}

/** `[WWN WWN]:LUN` or `[WWID WWID]`, as Go prints lists. */
export function fcVolumeName(spec: VolumeSpec): string {
  const { targetWWNs: wwns = [], lun, wwids = [] } = sourceOf(spec);
  if (wwns.length > 0 && lun !== undefined) return `[${wwns.join(' ')}]:${lun}`;
  return wwids.length > 0 ? `[${wwids.join(' ')}]` : '';
}

/** WWN-WWN-lun-LUN, or WWID-WWID */
export function fcDirectoryName(disk: FcDisk): string {
  return 'wwns' in disk ? `${disk.wwns.join('-')}-lun-${disk.lun}` : disk.wwids.join('-');
}

/** plugins/kubernetes.io/fc/WWN-WWN-lun-LUN, or …/WWID-WWID */
export function fcDeviceMountPath(nodeRoot: string, disk: FcDisk): string {
  return join(pluginDirectory(nodeRoot, FC_PLUGIN), fcDirectoryName(disk));
}

/** What the path of a device's mount says of its volume. @throws Error */
export function parseFcPath(
  path: string,
  specName: string,
  volumeMode: 'Filesystem' | 'Block' = 'Filesystem',
): ReconstructedVolume {
  const name = basename(path);
  const parts = name.split('-');
  const isLun = parts.length > 1 && parts.at(-2) === 'lun';
  const lun = Number(parts.at(-1));
  if (isLun && (parts.length === 2 || !Number.isInteger(lun)))
    throw new Error(
      `failed to retrieve volume plugin information from globalPDPath: no wwn or no lun in: ${name}`,
    );
  const fc = isLun ? { targetWWNs: parts.slice(0, -2), lun } : { wwids: parts };
  const spec = volumeMode === 'Block' ? blockSpec(specName, { fc }) : specFromVolume({ name: specName, fc });
  return { spec, volumeName: fcVolumeName(spec) };
}
