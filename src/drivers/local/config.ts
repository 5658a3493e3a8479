import { posix } from 'node:path';
import { parseDuration } from '../../base/index.ts';
import type { NodeSelectorTerm, Toleration } from '../../kube/index.ts';
import { matchesName } from './match-name.ts';

/** Where the volumes of a storage class are found, and what becomes of them. */
export interface ClassConfig {
  /** The directory on the node: what volumes name. */
  readonly hostDir: string;
  /** The same directory where the provisioner runs. */
  readonly mountDir: string;
  /** What wipes a block device that is given back. @default /scripts/quick_reset.sh */
  readonly blockCleanerCommand: readonly [string, ...string[]];
  /** @default Filesystem */
  readonly volumeMode: 'Filesystem' | 'Block';
  /** @default ReadWriteOnce */
  readonly accessMode?: string;
  /** What a block device is formatted with that is to be a file system. */
  readonly fsType?: string;
  /** Names that are taken, with commas between. @default * */
  readonly namePattern: string;
  /** Nodes beside the provisioner's that reach the volumes. */
  readonly selector: readonly NodeSelectorTerm[];
}

/** Source: ProvisionerConfiguration of sig-storage-local-static-provisioner. */
export interface ProvisionerConfig {
  readonly storageClassMap: Readonly<Record<string, ClassConfig>>;
  readonly nodeLabelsForPV: readonly string[];
  readonly useJobForCleaning: boolean;
  readonly jobTolerations: readonly Toleration[];
  readonly minResyncPeriodMs: number;
  readonly useNodeNameOnly: boolean;
  readonly labelsForPV: Readonly<Record<string, string>>;
  readonly setPVOwnerRef: boolean;
  readonly removeNodeNotReadyTaint: boolean;
  readonly provisionerNotReadyNodeTaintKey: string;
}

/** The configuration cannot be used; the message says which key is wrong and why. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

const ACCESS_MODES = ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'];

type Fields = Readonly<Record<string, unknown>>;
/** Reads a value, given how to call it in an error. */
type Read<T> = (value: unknown, name: string) => T;

/**
 * The configuration of the keys of a ConfigMap, their YAML read. Upstream skips keys that it does not know; here they are
 * errors, for a `namePattern` that is misspelt would have disks wiped that were not meant.
 * @throws ConfigError
 */
export function parseConfig(keys: Fields): ProvisionerConfig {
  known(keys, '', [
    'storageClassMap',
    'nodeLabelsForPV',
    'useAlphaAPI',
    'useJobForCleaning',
    'jobTolerations',
    'minResyncPeriod',
    'useNodeNameOnly',
    'labelsForPV',
    'setPVOwnerRef',
    'removeNodeNotReadyTaint',
    'provisionerNotReadyNodeTaintKey',
  ]);
  const of = <T>(key: string, read: Read<T>, otherwise: T): T =>
    keys[key] === undefined || keys[key] === null ? otherwise : read(keys[key], key);
  if (of('useAlphaAPI', bool, false))
    throw new ConfigError('useAlphaAPI: it is for Kubernetes before 1.10; leave it away');
  const classes = of('storageClassMap', fields, {});
  const key = of('provisionerNotReadyNodeTaintKey', text, '');
  const removeNodeNotReadyTaint = of('removeNodeNotReadyTaint', bool, false);
  if (removeNodeNotReadyTaint && key === '')
    throw new ConfigError('removeNodeNotReadyTaint: provisionerNotReadyNodeTaintKey must say which taint');
  return {
    storageClassMap: Object.fromEntries(
      Object.entries(classes).map(([name, value]) => [name, parseClass(name, value)]),
    ),
    nodeLabelsForPV: of('nodeLabelsForPV', list(text), []),
    useJobForCleaning: of('useJobForCleaning', bool, false),
    jobTolerations: of('jobTolerations', list(fields), []) as readonly Toleration[],
    minResyncPeriodMs: of('minResyncPeriod', duration, 300_000),
    useNodeNameOnly: of('useNodeNameOnly', bool, false),
    labelsForPV: Object.fromEntries(
      Object.entries(of('labelsForPV', fields, {})).map(([name, value]) => [
        name,
        text(value, `labelsForPV: ${name}`),
      ]),
    ),
    setPVOwnerRef: of('setPVOwnerRef', bool, false),
    removeNodeNotReadyTaint,
    provisionerNotReadyNodeTaintKey: key,
  };
}

/** Source, with its messages: ConfigMapDataToVolumeConfig. */
function parseClass(className: string, value: unknown): ClassConfig {
  const where = `storageClassMap: ${className}`;
  const config = fields(value, where);
  known(config, `${where}: `, [
    'hostDir',
    'mountDir',
    'blockCleanerCommand',
    'volumeMode',
    'accessMode',
    'fsType',
    'namePattern',
    'selector',
  ]);
  const of = <T>(key: string, read: Read<T>, otherwise: T): T =>
    config[key] === undefined || config[key] === null ? otherwise : read(config[key], `${where}: ${key}`);
  const command = of('blockCleanerCommand', list(text), ['/scripts/quick_reset.sh']);
  const [program, ...args] = command;
  if (program === undefined)
    throw new ConfigError(`Invalid empty block cleaner command for class ${className}`);
  const [hostDir, mountDir] = [of('hostDir', text, ''), of('mountDir', text, '')];
  if (hostDir === '' || mountDir === '')
    throw new ConfigError(
      `Storage Class ${className} is misconfigured, missing HostDir or MountDir parameter`,
    );
  const volumeMode = of('volumeMode', text, '') || 'Filesystem';
  if (volumeMode !== 'Filesystem' && volumeMode !== 'Block')
    throw new ConfigError(`unsupported volume mode ${volumeMode}`);
  const accessMode = of('accessMode', text, '');
  if (accessMode !== '' && !ACCESS_MODES.includes(accessMode))
    throw new ConfigError(`${where}: accessMode ${accessMode} is none of ${ACCESS_MODES.join(', ')}`);
  const namePattern = of('namePattern', text, '') || '*';
  for (const pattern of namePattern.split(','))
    if (matchesName(pattern, '') === undefined)
      throw new ConfigError(`${where}: namePattern ${JSON.stringify(pattern)}: syntax error in pattern`);
  const fsType = of('fsType', text, '');
  return {
    hostDir: directory(hostDir, `${where}: hostDir`),
    mountDir: directory(mountDir, `${where}: mountDir`),
    blockCleanerCommand: [program, ...args],
    volumeMode,
    ...(accessMode !== '' && { accessMode }),
    ...(fsType !== '' && { fsType }),
    namePattern,
    selector: of('selector', list(fields), []) as readonly NodeSelectorTerm[],
  };
}

function known(given: Fields, where: string, keys: readonly string[]): void {
  const stranger = Object.keys(given).find((key) => !keys.includes(key));
  if (stranger !== undefined)
    throw new ConfigError(
      `${where}there is no key ${JSON.stringify(stranger)}; there are ${keys.join(', ')}`,
    );
}

function directory(path: string, name: string): string {
  if (!posix.isAbsolute(path)) throw new ConfigError(`${name}: ${path} is not an absolute path`);
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

const wrong = (name: string, what: string) => new ConfigError(`${name}: it must be ${what}`);

function fields(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'a mapping');
  return value as Fields;
}

function list<T>(read: Read<T>): Read<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value)) throw wrong(name, 'a list');
    return value.map((item, index) => read(item, `${name}[${index}]`));
  };
}

/** YAML takes `1` and `yes` for other things than text; where text is wanted they are that. Source: sigs.k8s.io/yaml. */
const text: Read<string> = (value, name) => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw wrong(name, 'a text');
};

const bool: Read<boolean> = (value, name) => {
  if (typeof value === 'boolean') return value;
  throw wrong(name, 'true or false');
};

const duration: Read<number> = (value, name) => {
  const ms = parseDuration(text(value, name));
  if (ms === undefined || ms < 0) throw wrong(name, 'a duration such as 5m0s');
  return ms;
};
