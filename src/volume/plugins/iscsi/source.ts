import { basename, dirname, join } from 'node:path';
import { pluginDirectory } from '../../paths.ts';
import type { ReconstructedVolume, VolumeSpec } from '../../plugin.ts';
import { specFromVolume } from '../../spec.ts';
import { blockSpec, volumeDevicesDirectory } from '../scsi/block-mapper.ts';

export const ISCSI_PLUGIN = 'kubernetes.io/iscsi';
const DEFAULT_PORT = 3260;

/** A disk of an iSCSI target, as iscsi.json keeps it: the names are upstream's. */
export interface IscsiDisk {
  readonly VolName: string;
  /** Each with its port; all lead to the one disk. */
  readonly Portals: readonly string[];
  readonly Iqn: string;
  readonly Lun: string;
  /** The interface that is there, and the one that is used: a copy of it where the volume names an initiator. */
  readonly InitIface: string;
  readonly Iface: string;
  readonly InitiatorName: string;
}

export function findIscsi(spec: VolumeSpec) {
  return spec.volume?.iscsi ?? spec.persistentVolume?.spec?.iscsi;
}

export function sourceOf(spec: VolumeSpec) {
  const source = findIscsi(spec);
  if (!source) throw new Error('Spec does not reference an ISCSI volume type');
  return source;
}

export function isReadOnly(spec: VolumeSpec): boolean {
  return spec.volume?.iscsi ? (sourceOf(spec).readOnly ?? false) : spec.readOnly;
}

/** The secret of the volume; its namespace is absent where it is the pod's. */
export function secretOf(spec: VolumeSpec): { name: string; namespace?: string } | undefined {
  const name = sourceOf(spec).secretRef?.name;
  const namespace = spec.volume?.iscsi ? undefined : spec.persistentVolume?.spec?.iscsi?.secretRef?.namespace;
  return name ? { name, namespace: namespace || undefined } : undefined;
}

export function diskOf(spec: VolumeSpec): IscsiDisk {
  const source = sourceOf(spec);
  const { iqn, lun, iscsiInterface = 'default', initiatorName = '' } = source;
  const portals = [source.targetPortal, ...(source.portals ?? [])].map((portal) =>
    portal.includes(':') ? portal : `${portal}:${DEFAULT_PORT}`,
  );
  return {
    VolName: spec.name,
    Portals: portals,
    Iqn: iqn,
    Lun: String(lun),
    InitIface: iscsiInterface,
    Iface: initiatorName === '' ? iscsiInterface : `${portals[0]}:${spec.name}`,
    InitiatorName: initiatorName,
  };
}

export function iscsiVolumeName(spec: VolumeSpec): string {
  const { targetPortal, iqn, lun } = sourceOf(spec);
  return `${targetPortal}:${iqn}:${lun}`;
}

/** iface-IFACE/PORTAL-IQN-lun-LUN */
export function iscsiRelativePath({ Portals, Iqn, Lun, Iface }: IscsiDisk): string {
  return join(`iface-${Iface}`, `${Portals[0]}-${Iqn}-lun-${Lun}`);
}

/** plugins/kubernetes.io/iscsi/iface-IFACE/PORTAL-IQN-lun-LUN */
export function iscsiDeviceMountPath(nodeRoot: string, disk: IscsiDisk): string {
  return join(pluginDirectory(nodeRoot, ISCSI_PLUGIN), iscsiRelativePath(disk));
}

/** Where the disk is noted: where it is mounted, or where its device is bound for pods. */
export function iscsiGlobalPath(nodeRoot: string, spec: VolumeSpec): string {
  const disk = diskOf(spec);
  return spec.persistentVolume?.spec?.volumeMode === 'Block'
    ? join(volumeDevicesDirectory(nodeRoot, ISCSI_PLUGIN), iscsiRelativePath(disk))
    : iscsiDeviceMountPath(nodeRoot, disk);
}

/** What the path of a device's mount says of its disk. @throws Error with upstream's text. */
export function parseIscsiPath(path: string): Omit<IscsiDisk, 'VolName' | 'InitiatorName' | 'InitIface'> {
  const name = basename(path);
  const lunAt = name.lastIndexOf('-lun-');
  if (lunAt < 0) throw new Error(`iscsi detach disk: malformatted mnt path: ${path}`);
  const portalEnd = name.indexOf('-');
  const iqnAt = name.includes('iqn.') ? name.indexOf('iqn.') : name.indexOf('eui.');
  if (iqnAt < 0) throw new Error(`iscsi detach disk: no iqn in ${name}`);
  const Lun = name.slice(lunAt + '-lun-'.length);
  if (!/^\d+$/.test(Lun)) throw new Error(`failed to retrieve lun from globalPDPath: ${path}`);
  return {
    Portals: [name.slice(0, portalEnd)],
    Iqn: name.slice(iqnAt, lunAt),
    Lun,
    Iface: basename(dirname(path)).replace(/^iface-/, ''),
  };
}

export function reconstructedIscsi(
  path: string,
  specName: string,
  volumeMode: 'Filesystem' | 'Block' = 'Filesystem',
): ReconstructedVolume {
  const { Portals, Iqn, Lun, Iface } = parseIscsiPath(path);
  const iscsi = { targetPortal: Portals[0]!, iqn: Iqn, lun: Number(Lun), iscsiInterface: Iface };
  const spec =
    volumeMode === 'Block' ? blockSpec(specName, { iscsi }) : specFromVolume({ name: specName, iscsi });
  return { spec, volumeName: iscsiVolumeName(spec) };
}
