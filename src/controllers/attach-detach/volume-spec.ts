import type { Lister } from '../../client/index.ts';
import type {
  KubeObject,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Stored,
  Volume,
} from '../../kube/index.ts';
import {
  isAttachable,
  type PluginRegistry,
  specFromPersistentVolume,
  specFromVolume,
  type VolumePlugin,
  type VolumeSpec,
} from '../../volume/index.ts';

/** Where claims and volumes are looked up. */
export interface VolumeListers {
  readonly claims: Pick<Lister<Stored<PersistentVolumeClaim>>, 'get'>;
  readonly volumes: Pick<Lister<Stored<PersistentVolume>>, 'get'>;
}

/** The claim that a pod's volume names, or that is made for it; undefined for a volume that needs none. */
export function claimNameOf(pod: KubeObject, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral ? `${pod.metadata?.name}-${volume.name}` : undefined;
}

/** The claims of a pod, as `namespace/name`: an index function. */
export function claimKeysOf(pod: Stored<Pod>): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    const name = claimNameOf(pod, volume);
    return name === undefined ? [] : [`${pod.metadata.namespace}/${name}`];
  });
}

/**
 * What a pod's volume is: itself, or the volume bound to its claim.
 * @throws Error that says why not: claim or volume missing, not bound, bound to another, made for another pod.
 */
export function createVolumeSpec(pod: Stored<Pod>, volume: Volume, listers: VolumeListers): VolumeSpec {
  const claimName = claimNameOf(pod, volume);
  if (claimName === undefined) return specFromVolume(volume);
  const { namespace } = pod.metadata;
  const claim = listers.claims.get(claimName, namespace);
  const called = `claim ${namespace}/${claimName} of pod volume "${volume.name}"`;
  if (!claim) throw new Error(`${called} does not exist`);
  if (volume.ephemeral && !isControlledBy(claim, pod)) {
    throw new Error(
      `PVC ${namespace}/${claimName} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`,
    );
  }
  const volumeName = claim.spec?.volumeName;
  if (claim.status?.phase !== 'Bound' || !volumeName) throw new Error(`${called} is not bound`);
  const persistentVolume = listers.volumes.get(volumeName);
  if (!persistentVolume) throw new Error(`${called}: its PersistentVolume "${volumeName}" does not exist`);
  if (persistentVolume.spec?.claimRef?.uid !== claim.metadata.uid) {
    throw new Error(`${called}: PersistentVolume "${volumeName}" is bound to another claim`);
  }
  return specFromPersistentVolume(persistentVolume, volume.persistentVolumeClaim?.readOnly ?? false);
}

function isControlledBy(object: KubeObject, owner: Stored<KubeObject>): boolean {
  return (object.metadata?.ownerReferences ?? []).some(
    (reference) => reference.controller && reference.uid === owner.metadata.uid,
  );
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
