import { Code, CsiStatus, csi } from '../../csi/index.ts';

const Mode = csi.VolumeCapability_AccessMode_Mode;

/** Why a bucket cannot serve a capability; undefined when it can. Any number of nodes may write to one. */
export function unsupported({ accessMode, accessType }: csi.VolumeCapability): string | undefined {
  const mode = accessMode?.mode ?? Mode.UNKNOWN;
  if (Mode[mode] === undefined) return `access mode ${mode}: this driver does not know it`;
  if (accessType.case === 'block') return 'a raw block volume: a bucket is no device';
  const fsType = accessType.case === 'mount' ? accessType.value.fsType : '';
  return fsType === ''
    ? undefined
    : `file system ${JSON.stringify(fsType)}: a bucket has none; leave fsType out`;
}

/** @throws CsiStatus INVALID_ARGUMENT that names the capability which cannot be served. */
export function checkCapabilities(capabilities: readonly csi.VolumeCapability[]): void {
  const why = capabilities.map(unsupported).find((reason) => reason !== undefined);
  if (why !== undefined) throw new CsiStatus(Code.INVALID_ARGUMENT, `cannot serve ${why}`);
}

/** Whether nobody is to write, wherever it is published. */
export function isReadOnly({ accessMode }: csi.VolumeCapability): boolean {
  return (
    accessMode?.mode === Mode.SINGLE_NODE_READER_ONLY || accessMode?.mode === Mode.MULTI_NODE_READER_ONLY
  );
}

/** Whether it may be published in one place only. */
export function isForOnePlace({ accessMode }: csi.VolumeCapability): boolean {
  return accessMode?.mode === Mode.SINGLE_NODE_SINGLE_WRITER;
}
