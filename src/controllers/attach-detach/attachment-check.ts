import type { Lister } from '../../client/index.ts';
import type { PersistentVolume, Stored, VolumeAttachment } from '../../kube/index.ts';
import {
  type PluginRegistry,
  specFromPersistentVolume,
  type UniqueVolumeName,
  uniqueVolumeName,
  type VolumeSpec,
} from '../../volume/index.ts';
import { translateSpec } from '../../volume/migration/index.ts';
import type { AttachedTo } from './actual-state-of-world.ts';
import { attachablePlugin } from './volume-spec.ts';

/** The volume that a VolumeAttachment attaches. */
export interface AttachmentVolume {
  readonly volumeName: UniqueVolumeName;
  readonly spec: VolumeSpec;
}

/**
 * What volume a VolumeAttachment is about; undefined when its PersistentVolume is gone, of a type that nobody here
 * attaches, or written inline (only migrated in-tree volumes are, and those carry the name of no volume).
 */
export function volumeOfAttachment(
  attachment: VolumeAttachment,
  volumes: Pick<Lister<Stored<PersistentVolume>>, 'get'>,
  plugins: PluginRegistry,
): AttachmentVolume | undefined {
  const name = attachment.spec?.source.persistentVolumeName;
  const persistentVolume = name === undefined ? undefined : volumes.get(name);
  if (!persistentVolume) return undefined;
  const spec = translateSpec(specFromPersistentVolume(persistentVolume, false), '');
  const plugin = attachablePlugin(plugins, spec);
  return plugin && { volumeName: uniqueVolumeName(plugin, spec), spec };
}

/** The index of VolumeAttachments by what they attach where. */
export const attachmentIndex = (attachment: VolumeAttachment): string[] => {
  const { source, nodeName } = attachment.spec ?? {};
  const name = source?.persistentVolumeName ?? inlineName(source?.inlineVolumeSpec);
  return name ? [attachmentKey(name, nodeName ?? '')] : [];
};

function attachmentKey(name: string, nodeName: string): string {
  return `${name}@${nodeName}`;
}

/** What tells volumes apart that are written in pods. */
function inlineName(spec: PersistentVolume['spec']): string | undefined {
  return spec?.csi && `${spec.csi.driver}^${spec.csi.volumeHandle}`;
}

/**
 * Whether a volume believed attached has lost the object that says so. Only CSI volumes have one (upstream's
 * VolumesAreAttached of the csi plugin).
 */
export function lostAttachment(
  attached: AttachedTo,
  attachmentsOf: (key: string) => readonly VolumeAttachment[],
): boolean {
  const volume = attached.spec?.persistentVolume;
  if (!volume?.spec?.csi) return false;
  const name = attached.spec?.isInlineMigrated ? inlineName(volume.spec)! : volume.metadata.name;
  const found = attachmentsOf(attachmentKey(name, attached.nodeName));
  return !found.some((attachment) => attachment.status?.attached);
}
