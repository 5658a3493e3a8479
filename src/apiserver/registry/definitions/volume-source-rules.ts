import type { StatusCause } from '../../../kube/index.ts';
import {
  at,
  invalidValue,
  isDNS1123Label,
  isDNS1123Subdomain,
  notSupported,
  required,
  validateWith,
} from '../validation/index.ts';
import { driverNameCauses } from './volume-validation.ts';

// What each type of volume must say, in a volume and in a pod. Source: Kubernetes 1.36, pkg/apis/core/validation.

/** A source of any type: fields by name. */
// biome-ignore lint/suspicious/noExplicitAny: rules of one table for all source types; each reads its own fields.
type Source = Readonly<Record<string, any>>;
export type SourceRule = (source: Source, path: string, owner: SourceOwner) => StatusCause[];

/** What has the source: a volume, or one of a pod's. */
export interface SourceOwner {
  readonly name: string;
  readonly hasNodeAffinity?: boolean;
}

/** The rule that these fields are not empty. */
export const needs =
  (...fields: readonly string[]): SourceRule =>
  (source, path) =>
    fields.filter((name) => isEmpty(source[name])).map((name) => required(`${path}.${name}`));

function isEmpty(value: unknown): boolean {
  return value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

/** The rule that a reference to a secret, where there is one, has these fields. */
const secretNeeds =
  (...fields: readonly string[]): SourceRule =>
  ({ secretRef }, path, owner) =>
    secretRef ? needs(...fields)(secretRef, `${path}.secretRef`, owner) : [];

export const all =
  (...rules: readonly SourceRule[]): SourceRule =>
  (source, path, owner) =>
    rules.flatMap((rule) => rule(source, path, owner));

export function noBackstepCauses(path: string, value: string): StatusCause[] {
  return value.split('/').includes('..') ? [invalidValue(path, value, "must not contain '..'")] : [];
}

/** A path below a place of ours: relative and without steps back. */
export function descendingPathCauses(path: string, value: string): StatusCause[] {
  return [
    ...(value.startsWith('/') ? [invalidValue(path, value, 'must be a relative path')] : []),
    ...noBackstepCauses(path, value),
  ];
}

/** Such a path that does not look like the atomic writer's own names, either. */
export function nonReservedPathCauses(path: string, value: string): StatusCause[] {
  const reserved = value.startsWith('..') && !value.startsWith('../');
  return [
    ...descendingPathCauses(path, value),
    ...(reserved ? [invalidValue(path, value, "must not start with '..'")] : []),
  ];
}

export function rangeCauses(
  path: string,
  value: number | undefined,
  low: number,
  high: number,
): StatusCause[] {
  if (value === undefined || (value >= low && value <= high)) return [];
  return [invalidValue(path, value, `must be between ${low} and ${high}, inclusive`)];
}

const HOST_PATH_TYPES = [
  ...['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'],
];

const hostPath: SourceRule = (source, path) => {
  if (!source.path) return [required(`${path}.path`)];
  const causes = noBackstepCauses(`${path}.path`, source.path);
  if (source.type !== undefined && !HOST_PATH_TYPES.includes(source.type)) {
    causes.push(notSupported(`${path}.type`, source.type, HOST_PATH_TYPES));
  }
  return causes;
};

const local: SourceRule = (source, path, { hasNodeAffinity }) => [
  ...(source.path ? noBackstepCauses(`${path}.path`, source.path) : [required(`${path}.path`)]),
  ...(hasNodeAffinity
    ? []
    : [required(`${parent(path)}.nodeAffinity`, 'Local volume requires node affinity')]),
];

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('.'));
}

/** Partitions go from 1, but 0 says: none; the message is upstream's. */
const partition: SourceRule = ({ partition: value = 0 }, path) =>
  value < 0 || value > 255
    ? [invalidValue(`${path}.partition`, value, 'must be between 1 and 255, inclusive')]
    : [];

const nfs: SourceRule = (source, path, owner) => [
  ...needs('server', 'path')(source, path, owner),
  ...(source.path?.startsWith('/')
    ? []
    : [invalidValue(`${path}.path`, source.path ?? '', 'must be an absolute path')]),
];

const ISCSI_NAMES: readonly (readonly [string, RegExp])[] = [
  ['iqn', /iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$/],
  ['eui', /^eui.[A-Za-z0-9]{16}$/],
  ['naa', /^naa.[A-Za-z0-9]{32}$/],
];

/** Far more than a name may have (RFC 3720: 223 bytes), and little enough to look at in no time. */
const LONGEST_ISCSI_NAME = 4096;

function iscsiNameCauses(path: string, name: string, unknown: string): StatusCause[] {
  const form = ISCSI_NAMES.find(([prefix]) => name.startsWith(prefix));
  if (!form) return [invalidValue(path, name, unknown)];
  const isValid = name.length <= LONGEST_ISCSI_NAME && form[1].test(name);
  return isValid ? [] : [invalidValue(path, name, 'must be valid format')];
}

/** An initiator's name makes a name of its own for the interface: it has to fit. */
function initiatorLengthCauses(source: Source, { name }: SourceOwner, field: string, shown: string) {
  const { initiatorName, targetPortal = '' } = source;
  if (initiatorName === undefined || Buffer.byteLength(`${name}:${targetPortal}`) <= 64) return [];
  const rule =
    'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
  return [invalidValue(field, shown, rule)];
}

/** `unknown` is what a name without a known prefix is told: the words differ between pods and volumes. */
const iscsi =
  (unknown: string): SourceRule =>
  (source, path) => [
    ...(source.iqn ? iscsiNameCauses(`${path}.iqn`, source.iqn, unknown) : [required(`${path}.iqn`)]),
    ...rangeCauses(`${path}.lun`, source.lun, 0, 255),
    ...((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef
      ? [required(`${path}.secretRef`)]
      : []),
  ];

const iscsiInitiator =
  (unknown: string): SourceRule =>
  ({ initiatorName }, path) =>
    initiatorName === undefined ? [] : iscsiNameCauses(`${path}.initiatorname`, initiatorName, unknown);

const fc: SourceRule = ({ targetWWNs = [], wwids = [], lun }, path) => {
  const causes: StatusCause[] = [];
  if (targetWWNs.length === 0 && wwids.length === 0) {
    causes.push(required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both'));
  }
  if (targetWWNs.length > 0 && wwids.length > 0) {
    causes.push(
      invalidValue(
        `${path}.targetWWNs`,
        targetWWNs,
        'targetWWNs and wwids can not be specified simultaneously',
      ),
    );
  }
  if (targetWWNs.length > 0) {
    if (lun === undefined) causes.push(required(`${path}.lun`, 'lun is required if targetWWNs is specified'));
    else causes.push(...rangeCauses(`${path}.lun`, lun, 0, 255));
  }
  return causes;
};

const flexVolume: SourceRule = (source, path, owner) => [
  ...needs('driver')(source, path, owner),
  ...Object.keys(source.options ?? {})
    .filter((key) => /\.(kubernetes|k8s)\.io$/.test(`.${key.split('/')[0]!.toLowerCase()}`))
    .map((key) =>
      invalidValue(at(`${path}.options`, key), key, 'kubernetes.io and k8s.io namespaces are reserved'),
    ),
];

const quobyte: SourceRule = (source, path, owner) => {
  const rule = 'must be a host:port pair or multiple pairs separated by commas';
  const causes: StatusCause[] = [];
  if (!source.registry) causes.push(required(`${path}.registry`, rule));
  else if ((source.tenant?.length ?? 0) >= 65) {
    causes.push(required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'));
  } else {
    const malformed = (source.registry as string)
      .split(',')
      .filter((pair) => !/^(\[[^\]]*\]|[^:[\]]*):[^:]*$/.test(pair));
    causes.push(...malformed.map(() => invalidValue(`${path}.registry`, source.registry, rule)));
  }
  return [...causes, ...needs('volume')(source, path, owner)];
};

const flocker: SourceRule = ({ datasetName = '', datasetUUID = '' }, path) => {
  const causes: StatusCause[] = [];
  if (!datasetName && !datasetUUID)
    causes.push(required(path, 'one of datasetName and datasetUUID is required'));
  if (datasetName && datasetUUID) {
    causes.push(
      invalidValue(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'),
    );
  }
  if (datasetName.includes('/'))
    causes.push(invalidValue(`${path}.datasetName`, datasetName, "must not contain '/'"));
  return causes;
};

const azureDisk: SourceRule = (source, path, owner) => {
  const { cachingMode, kind = 'Shared', diskURI = '' } = source;
  const modes = ['None', 'ReadOnly', 'ReadWrite'];
  const kinds = ['Dedicated', 'Managed', 'Shared'];
  const causes = needs('diskName', 'diskURI')(source, path, owner);
  if (cachingMode !== undefined && !modes.includes(cachingMode))
    causes.push(notSupported(`${path}.cachingMode`, cachingMode, modes));
  if (!kinds.includes(kind)) causes.push(notSupported(`${path}.kind`, kind, kinds));
  const [prefix, form] =
    kind === 'Managed'
      ? [
          '/subscriptions/',
          '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}',
        ]
      : ['https://', 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'];
  if (!diskURI.startsWith(prefix)) causes.push(notSupported(`${path}.diskURI`, diskURI, [form]));
  return causes;
};

const storageos: SourceRule = ({ volumeName, volumeNamespace }, path) => [
  ...(volumeName
    ? validateWith(`${path}.volumeName`, volumeName, isDNS1123Label)
    : [required(`${path}.volumeName`)]),
  ...(volumeNamespace ? validateWith(`${path}.volumeNamespace`, volumeNamespace, isDNS1123Label) : []),
];

const glusterfsNamespace: SourceRule = ({ endpointsNamespace }, path) => {
  const here = `${path}.endpointsNamespace`;
  if (endpointsNamespace === undefined) return [];
  if (endpointsNamespace !== '') return validateWith(here, endpointsNamespace, isDNS1123Label);
  const why = 'if the endpointnamespace is set, it must be a valid namespace name';
  return [invalidValue(here, endpointsNamespace, why)];
};

const CSI_SECRETS = [
  ...['controllerPublishSecretRef', 'controllerExpandSecretRef'],
  ...['nodePublishSecretRef', 'nodeExpandSecretRef'],
];

/** nodeStageSecretRef has no rules: upstream forgot it. */
const csi: SourceRule = (source, path, owner) => [
  ...driverNameCauses(`${path}.driver`, source.driver),
  ...needs('volumeHandle')(source, path, owner),
  ...CSI_SECRETS.flatMap((name) => {
    const reference = source[name];
    if (!reference) return [];
    const here = `${path}.${name}`;
    return [
      ...(reference.name
        ? validateWith(`${here}.name`, reference.name, isDNS1123Subdomain)
        : [required(`${here}.name`)]),
      ...(reference.namespace
        ? validateWith(`${here}.namespace`, reference.namespace, isDNS1123Label)
        : [required(`${here}.namespace`)]),
    ];
  }),
];

/** One type of source: its field, and the path that messages give it where that is another. */
export interface SourceType {
  readonly field: string;
  readonly rule: SourceRule;
  /** In the message of a second source. */
  readonly secondAs?: string;
  /** In the messages of its rule. */
  readonly ruleAs?: string;
}

/** The sources that volumes and pods have both, with the same rules. */
export const SHARED_SOURCES = {
  hostPath: { field: 'hostPath', rule: hostPath },
  gcePersistentDisk: {
    field: 'gcePersistentDisk',
    rule: all(needs('pdName'), partition),
    ruleAs: 'persistentDisk',
  },
  awsElasticBlockStore: { field: 'awsElasticBlockStore', rule: all(needs('volumeID'), partition) },
  flocker: { field: 'flocker', rule: flocker },
  nfs: { field: 'nfs', rule: nfs },
  rbd: { field: 'rbd', rule: needs('monitors', 'image') },
  quobyte: { field: 'quobyte', rule: quobyte },
  cephfs: { field: 'cephfs', rule: needs('monitors'), secondAs: 'cephFS' },
  fc: { field: 'fc', rule: fc },
  flexVolume: { field: 'flexVolume', rule: flexVolume },
  vsphereVolume: { field: 'vsphereVolume', rule: needs('volumePath') },
  photonPersistentDisk: { field: 'photonPersistentDisk', rule: needs('pdID') },
  portworxVolume: { field: 'portworxVolume', rule: needs('volumeID') },
  azureDisk: { field: 'azureDisk', rule: azureDisk },
  scaleIO: { field: 'scaleIO', rule: needs('gateway', 'system', 'volumeName') },
} as const satisfies Record<string, SourceType>;

const UNKNOWN_NAME = 'must be valid format';
const UNKNOWN_NAME_IN_POD = 'must be valid format starting with iqn, eui, or naa';

/** Those that only pods, or pods in another form, have. */
export const POD_SOURCES = {
  iscsi: {
    field: 'iscsi',
    rule: all(
      needs('targetPortal'),
      iscsi(UNKNOWN_NAME_IN_POD),
      iscsiInitiator(UNKNOWN_NAME_IN_POD),
      (source, path, owner) => initiatorLengthCauses(source, owner, `${parent(path)}.name`, owner.name),
    ),
  },
  glusterfs: { field: 'glusterfs', rule: needs('endpoints', 'path') },
  cinder: { field: 'cinder', rule: all(needs('volumeID'), secretNeeds('name')) },
  azureFile: { field: 'azureFile', rule: needs('secretName', 'shareName') },
  storageos: { field: 'storageos', rule: all(storageos, secretNeeds('name')) },
  gitRepo: {
    field: 'gitRepo',
    rule: all(needs('repository'), ({ directory = '' }, path) =>
      descendingPathCauses(`${path}.directory`, directory),
    ),
  },
  persistentVolumeClaim: { field: 'persistentVolumeClaim', rule: needs('claimName') },
} as const satisfies Record<string, SourceType>;

const S = SHARED_SOURCES;

/** The sources of volumes, in upstream's order: the first one found is meant, the others are too many. */
export const VOLUME_SOURCES: readonly SourceType[] = [
  ...[S.hostPath, S.gcePersistentDisk, S.awsElasticBlockStore],
  { field: 'glusterfs', rule: all(needs('endpoints', 'path'), glusterfsNamespace) },
  ...[S.flocker, S.nfs, S.rbd, S.quobyte, S.cephfs],
  {
    field: 'iscsi',
    rule: all(
      needs('targetPortal'),
      (source, path, owner) =>
        initiatorLengthCauses(source, owner, `${path}.targetportal`, source.targetPortal),
      iscsi(UNKNOWN_NAME),
      secretNeeds('name'),
      iscsiInitiator(UNKNOWN_NAME),
    ),
  },
  { field: 'cinder', rule: all(needs('volumeID'), secretNeeds('name', 'namespace')) },
  ...[S.fc, S.flexVolume],
  {
    field: 'azureFile',
    rule: all(needs('secretName', 'shareName'), (source, path) =>
      source.secretNamespace === '' ? [required(`${path}.secretNamespace`)] : [],
    ),
  },
  ...[S.vsphereVolume, S.photonPersistentDisk, S.portworxVolume, S.azureDisk, S.scaleIO],
  { field: 'local', rule: local },
  { field: 'storageos', rule: all(storageos, secretNeeds('name', 'namespace')) },
  { field: 'csi', rule: csi },
];

/** The causes of an object's sources: exactly one, and well formed. */
export function sourceCauses(
  object: object,
  path: string,
  types: readonly SourceType[],
  owner: SourceOwner,
): StatusCause[] {
  const fields = object as Source;
  const causes: StatusCause[] = [];
  let found = false;
  for (const { field, rule, secondAs = field, ruleAs = field } of types) {
    const source = fields[field];
    if (source === undefined) continue;
    // Upstream does not count a FlexVolume as one too many.
    if (found && !(field === 'flexVolume' && types === VOLUME_SOURCES)) {
      causes.push({
        reason: 'FieldValueForbidden',
        message: 'Forbidden: may not specify more than 1 volume type',
        field: `${path}.${secondAs}`,
      });
      continue;
    }
    found = true;
    causes.push(...rule(source, `${path}.${ruleAs}`, owner));
  }
  return found ? causes : [...causes, required(path, 'must specify a volume type')];
}
