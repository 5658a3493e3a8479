import type { PersistentVolume, StorageClass, Volume } from '../../kube/index.ts';
import { toDriverTerms } from './topology.ts';

type Spec = NonNullable<PersistentVolume['spec']>;
export type CsiSource = NonNullable<Spec['csi']>;
/** The fields of a volume that only an in-tree plugin understood. */
export type MigratedField =
  | 'awsElasticBlockStore'
  | 'azureDisk'
  | 'azureFile'
  | 'cinder'
  | 'gcePersistentDisk'
  | 'portworxVolume'
  | 'vsphereVolume';

/** How the volumes of one in-tree plugin look to the CSI driver that took over. */
export interface Translation {
  readonly plugin: string;
  readonly driver: string;
  /** Where PersistentVolumes and pods' volumes say it. */
  readonly field: MigratedField;
  /** The driver's key of zones. */
  readonly zoneKey?: string;
  /** Its source in a PersistentVolume. @throws Error when it cannot be told. */
  source(volume: PersistentVolume): CsiSource;
  /** Its source in a pod, with what it is called and how it may be accessed. */
  inline(volume: Volume, podNamespace: string): InlineSource;
  /** The volume with its zones under the driver's keys. @default by zoneKey */
  topology?(volume: PersistentVolume): PersistentVolume;
  accessModes?(modes: readonly string[]): readonly string[];
  storageClass(storageClass: StorageClass): StorageClass;
}

export interface InlineSource {
  /** Told apart by node: it is part of the staging path. */
  readonly name: string;
  readonly source: CsiSource;
  readonly accessMode: string;
}

export const CSI_FS_TYPE = 'csi.storage.k8s.io/fstype';

/** What becomes of a parameter of a class, by its name in lower case; others stay as they are. */
export type ParameterRules = Readonly<
  Record<string, (value: string, name: string) => Record<string, string>>
>;

export const renamedTo =
  (...names: readonly string[]) =>
  (value: string): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, value]));

export function translateParameters(
  parameters: Readonly<Record<string, string>> = {},
  rules: ParameterRules,
): Record<string, string> {
  const translated = Object.entries(parameters).map(([name, value]) => {
    const rule = rules[name.toLowerCase()];
    return rule ? rule(value, name) : { [name]: value };
  });
  return Object.assign({}, ...translated);
}

/**
 * A class whose parameters `zone` and `zones` become topologies, and whose topologies become the driver's.
 * @throws Error when it has both.
 */
export function translateZonalClass(
  storageClass: StorageClass,
  key: string,
  rules: ParameterRules,
): StorageClass {
  const given = Object.entries(storageClass.parameters ?? {});
  const byName = (wanted: string) => given.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const values = byName('zones')?.split(',') ?? (byName('zone') === undefined ? [] : [byName('zone')!]);
  const allowed = storageClass.allowedTopologies ?? [];
  if (values.length > 0 && allowed.length > 0) {
    throw new Error('cannot simultaneously set allowed topologies and zone/zones parameters');
  }
  const parameters = translateParameters(storageClass.parameters, {
    ...rules,
    zone: () => ({}),
    zones: () => ({}),
  });
  if (values.length > 0) {
    return { ...storageClass, parameters, allowedTopologies: [{ matchLabelExpressions: [{ key, values }] }] };
  }
  return { ...storageClass, parameters, ...translatedTopologies(storageClass, key) };
}

export function translatedTopologies(
  { allowedTopologies = [] }: StorageClass,
  key: string,
): Pick<StorageClass, 'allowedTopologies'> {
  return allowedTopologies.length > 0 ? { allowedTopologies: toDriverTerms(allowedTopologies, key) } : {};
}
