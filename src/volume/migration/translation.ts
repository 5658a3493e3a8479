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
  /** The other way: what the plugin had. @throws Error when it cannot be told. */
  inTree(source: CsiSource): InTreeSource;
  /** The volume with its zones as the plugin had them. @default by zoneKey and regionOf */
  inTreeTopology?(volume: PersistentVolume): PersistentVolume;
  /** In which region the zones are. Absent: that cannot be told. @throws Error when they are not of one region. */
  regionOf?(zones: readonly string[]): string;
  /** The driver's whole id of a volume whose id was made of what an in-tree volume says. @default the id is whole */
  repairHandle?(volumeHandle: string, nodeId: string): string;
}

/** What stands in the field of the plugin, and beside it. */
export interface InTreeSource {
  readonly value: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Of the plugin's partition, which the driver has among its attributes. @throws Error */
export function partitionOf({ volumeAttributes }: CsiSource, verb: string): number | undefined {
  const text = volumeAttributes?.partition;
  if (!text) return undefined;
  if (!/^[+-]?\d+$/.test(text)) {
    const why = `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
    throw new Error(`${verb} to convert partition ${text} to integer: ${why}`);
  }
  return Number(text) || undefined;
}

/** Fields that Go leaves out when they are empty. */
export function filled(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => Boolean(value)));
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
