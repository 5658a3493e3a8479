import {
  ANN_MIGRATED_PLUGINS,
  annotation,
  type CSINode,
  type PersistentVolume,
  type Stored,
  type Volume,
} from '../../kube/index.ts';
import {
  driverOfPlugin,
  migratedPluginOf,
  translateInlineVolume,
  translateVolume,
} from '../../volume/migration/index.ts';

/** The plugins for which the scheduler looks at what the driver sees (isCSIMigrationOnForPlugin). */
const TRANSLATED: ReadonlySet<string | undefined> = new Set([
  'kubernetes.io/aws-ebs',
  'kubernetes.io/azure-disk',
  'kubernetes.io/cinder',
  'kubernetes.io/gce-pd',
  'kubernetes.io/portworx-volume',
]);

interface CsiVolume {
  readonly driver: string;
  readonly handle: string;
}

/**
 * The volume with the topology that its driver uses on the node, if the node serves it by a driver.
 * @throws Error when it cannot be told. Source: tryTranslatePVToCSI.
 */
export function volumeOnNode(
  volume: Stored<PersistentVolume>,
  csiNode: CSINode | undefined,
): Stored<PersistentVolume> {
  const plugin = migratedPluginOf(volume);
  if (plugin === undefined || !TRANSLATED.has(plugin) || !csiNode) return volume;
  if (!annotation(csiNode, ANN_MIGRATED_PLUGINS)?.split(',').includes(plugin)) return volume;
  try {
    return translateVolume(volume);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`failed to translate pv to csi: could not translate pv: ${why}`, { cause: error });
  }
}

/** What a volume is to a driver; undefined for one that no driver serves, or that cannot be told. */
export function csiVolumeOf(volume: PersistentVolume): CsiVolume | undefined {
  const { csi } = volume.spec ?? {};
  if (csi) return { driver: csi.driver, handle: csi.volumeHandle };
  return TRANSLATED.has(migratedPluginOf(volume)) ? translated(() => translateVolume(volume)) : undefined;
}

/** The same of a volume that is written in a pod. */
export function inlineCsiVolumeOf(volume: Volume, namespace: string): CsiVolume | undefined {
  return TRANSLATED.has(migratedPluginOf(volume))
    ? translated(() => translateInlineVolume(volume, namespace))
    : undefined;
}

/** The driver that makes the volumes of a provisioner; undefined for a plugin that is not looked at. */
export function driverOfProvisioner(provisioner: string): string | undefined {
  const driver = driverOfPlugin(provisioner);
  if (driver === undefined) return provisioner;
  return TRANSLATED.has(provisioner) ? driver : undefined;
}

function translated(translate: () => PersistentVolume | undefined): CsiVolume | undefined {
  try {
    const csi = translate()?.spec?.csi;
    return csi && { driver: csi.driver, handle: csi.volumeHandle };
  } catch {
    // It counts for nothing; whoever attaches it will say why it cannot be.
    return undefined;
  }
}
