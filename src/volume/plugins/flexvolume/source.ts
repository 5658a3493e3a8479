import type { VolumeSpec } from '../../plugin.ts';

/** What a spec says about its FlexVolume, wherever it is written. */
export interface FlexSource {
  /** VENDOR/DRIVER */
  readonly driver: string;
  readonly fsType: string;
  readonly readOnly: boolean;
  readonly options: Readonly<Record<string, string>>;
  /** The namespace is absent where it is the pod's. */
  readonly secret?: { readonly namespace?: string; readonly name: string };
}

/** @throws Error if the spec is of another type. */
export function flexSource(spec: VolumeSpec): FlexSource {
  const inline = spec.volume?.flexVolume;
  const persistent = spec.persistentVolume?.spec?.flexVolume;
  const found = inline ?? persistent;
  if (!found) throw new Error('not a flex volume');
  const name = found.secretRef?.name;
  const namespace = persistent?.secretRef?.namespace;
  return {
    driver: found.driver,
    fsType: found.fsType ?? '',
    // Of a PersistentVolume the pod's claim reference decides.
    readOnly: inline ? (inline.readOnly ?? false) : spec.readOnly,
    options: found.options ?? {},
    secret: name ? { namespace: namespace || undefined, name } : undefined,
  };
}

export function flexDriverOf(spec: VolumeSpec): string | undefined {
  return spec.volume?.flexVolume?.driver ?? spec.persistentVolume?.spec?.flexVolume?.driver;
}
