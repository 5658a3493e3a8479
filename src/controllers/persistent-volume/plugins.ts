import {
  ANN_PROVISIONED_BY,
  annotation,
  type PersistentVolume,
  type StorageClass,
  type Stored,
} from '../../kube/index.ts';
import {
  type ControlPlugin,
  type Deleter,
  type PluginRegistry,
  type Provisioner,
  type Recycler,
  specFromPersistentVolume,
} from '../../volume/index.ts';
import { driverOfPlugin } from '../../volume/migration/index.ts';

// Which plugin makes, deletes or scrubs a volume; errors in upstream's words (pkg/volume/plugins.go).

export type ControlPlugins = PluginRegistry<ControlPlugin>;

/** The prefix of provisioners that live in the controller itself. */
const IN_TREE = 'kubernetes.io/';

export function isInTree(provisioner: string | undefined): boolean {
  return provisioner?.startsWith(IN_TREE) ?? false;
}

/** What makes the volumes of a class: a plugin here, or somebody outside. */
export type ProvisionerOfClass =
  | { readonly external: string }
  | { readonly plugin: string; readonly provisioner: Provisioner }
  | { readonly error: string };

/** Source: findProvisionablePlugin. */
export function provisionerOf(
  plugins: ControlPlugins,
  storageClass: StorageClass | undefined,
  className: string,
): ProvisionerOfClass {
  // The words of a lister, which speaks of the resource in the singular.
  if (!storageClass) return { error: `storageclass.storage.k8s.io "${className}" not found` };
  const name = storageClass.provisioner;
  const driver = driverOfPlugin(name);
  if (driver) return { external: driver };
  const plugin = plugins.findByName(name);
  if (plugin?.provisioner) return { plugin: name, provisioner: plugin.provisioner };
  if (!isInTree(name)) return { external: name };
  return {
    error: plugin ? 'no provisionable volume plugin matched' : `no volume plugin matched name: ${name}`,
  };
}

/** Who deletes a volume: a plugin here, or nobody here (undefined). Source: findDeletablePlugin. */
export function deleterOf(
  plugins: ControlPlugins,
  volume: Stored<PersistentVolume>,
): { readonly deleter: Deleter | undefined } | { readonly error: string } {
  const name = annotation(volume, ANN_PROVISIONED_BY);
  if (name) {
    const plugin = plugins.findByName(name);
    if (plugin?.deleter || !isInTree(name)) return { deleter: plugin?.deleter };
    return {
      error: plugin ? 'no deletable volume plugin matched' : `no volume plugin matched name: ${name}`,
    };
  }
  if (volume.spec?.csi) return { deleter: undefined };
  const found = findBySpec(plugins, volume);
  if ('plugin' in found && found.plugin.deleter) return { deleter: found.plugin.deleter };
  const why = 'error' in found ? found.error : 'no deletable volume plugin matched';
  return {
    error: `error getting deleter volume plugin for volume ${JSON.stringify(volume.metadata.name)}: ${why}`,
  };
}

export function recyclerOf(plugins: ControlPlugins, volume: Stored<PersistentVolume>): Recycler | undefined {
  const found = findBySpec(plugins, volume);
  return 'plugin' in found ? found.plugin.recycler : undefined;
}

function findBySpec(
  plugins: ControlPlugins,
  volume: Stored<PersistentVolume>,
): { readonly plugin: ControlPlugin } | { readonly error: string } {
  try {
    return { plugin: plugins.findBySpec(specFromPersistentVolume(volume, false)) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
