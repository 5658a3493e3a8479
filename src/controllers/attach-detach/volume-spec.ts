import type { Lister } from '../../client/index.ts';
import {
  claimNameOf,
  notMadeFor,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type Stored,
  type Volume,
} from '../../kube/index.ts';
import {
  isAttachable,
  type PluginRegistry,
  specFromPersistentVolume,
  specFromVolume,
  type VolumePlugin,
  type VolumeSpec,
} from '../../volume/index.ts';
import { translateSpec } from '../../volume/migration/index.ts';

/** Where claims and volumes are looked up. */
export interface VolumeListers {
  readonly claims: Pick<Lister<Stored<PersistentVolumeClaim>>, 'get'>;
  readonly volumes: Pick<Lister<Stored<PersistentVolume>>, 'get'>;
}

/**
 * What a pod's volume is: itself, or the volume bound to its claim.
 * @throws Error that says why not: claim or volume missing, not bound, bound to another, made for another pod.
 */
export function createVolumeSpec(pod: Stored<Pod>, volume: Volume, listers: VolumeListers): VolumeSpec {
  const claimName = claimNameOf(pod, volume);
  const { namespace } = pod.metadata;
  if (claimName === undefined) return translateSpec(specFromVolume(volume), namespace ?? '');
  const claim = listers.claims.get(claimName, namespace);
  const called = `claim ${namespace}/${claimName} of pod volume "${volume.name}"`;
  if (!claim) throw new Error(`${called} does not exist`);
  const foreign = volume.ephemeral && notMadeFor(pod, claim);
  if (foreign) throw new Error(foreign);
  const volumeName = claim.spec?.volumeName;
  if (claim.status?.phase !== 'Bound' || !volumeName) throw new Error(`${called} is not bound`);
  const persistentVolume = listers.volumes.get(volumeName);
  if (!persistentVolume) throw new Error(`${called}: its PersistentVolume "${volumeName}" does not exist`);
  if (persistentVolume.spec?.claimRef?.uid !== claim.metadata.uid) {
    throw new Error(`${called}: PersistentVolume "${volumeName}" is bound to another claim`);
  }
  const readOnly = volume.persistentVolumeClaim?.readOnly ?? false;
  return translateSpec(specFromPersistentVolume(persistentVolume, readOnly), namespace ?? '');
}

/** A plugin that attaches, with its attacher. */
export type AttachablePlugin = VolumePlugin & Required<Pick<VolumePlugin, 'attacher'>>;

/** The plugin of a spec if its volumes are attached by somebody; undefined also when no plugin supports the spec. */
export function attachablePlugin(plugins: PluginRegistry, spec: VolumeSpec): AttachablePlugin | undefined {
  let plugin: VolumePlugin;
  try {
    plugin = plugins.findBySpec(spec);
  } catch {
    // Volumes of types that this process does not know are not its to attach.
    return undefined;
  }
  return isAttachable(plugin, spec) ? (plugin as AttachablePlugin) : undefined;
}
