import type { StatusCause, Volume } from '../../../kube/index.ts';
import {
  at,
  duplicate,
  forbiddenField,
  invalidValue,
  isDNS1123Label,
  isDNS1123Subdomain,
  notSupported,
  required,
  validateAnnotations,
  validateLabels,
  validateWith,
} from '../validation/index.ts';
import { claimSpecCauses } from './claim-spec-validation.ts';
import { FILE_FIELDS, fieldRefCauses, resourceFieldRefCauses } from './downward-validation.ts';
import {
  all,
  needs,
  nonReservedPathCauses,
  POD_SOURCES as P,
  SHARED_SOURCES as S,
  type SourceRule,
  type SourceType,
  sourceCauses,
} from './volume-source-rules.ts';
import { driverNameCauses } from './volume-validation.ts';

// The volumes of a pod. Source: Kubernetes 1.36, pkg/apis/core/validation ValidateVolumes.

const MAX_TOKEN_SECONDS = 2 ** 32;
const CONFLICT = 'conflicting duplicate paths';

function modeCauses(path: string, mode: number | undefined): StatusCause[] {
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return [];
  return [invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}

interface Item {
  readonly key?: string;
  readonly path?: string;
  readonly mode?: number;
}

function itemCauses({ key, path = '', mode }: Item, here: string): StatusCause[] {
  return [
    ...(key ? [] : [required(`${here}.key`)]),
    ...(path ? [] : [required(`${here}.path`)]),
    ...nonReservedPathCauses(`${here}.path`, path),
    ...modeCauses(`${here}.mode`, mode),
  ];
}

/** A secret or a config map as files. */
const keyed =
  (name: 'secretName' | 'name'): SourceRule =>
  (source, path, owner) => [
    ...needs(name)(source, path, owner),
    ...modeCauses(`${path}.defaultMode`, source.defaultMode),
    ...((source.items ?? []) as Item[]).flatMap((item, index) =>
      itemCauses(item, at(`${path}.items`, index)),
    ),
  ];

type DownwardFile = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number];

/** Upstream names the list, not the file. */
function downwardFileCauses(file: DownwardFile, path: string): StatusCause[] {
  const causes = file.path ? [] : [required(`${path}.path`)];
  causes.push(...nonReservedPathCauses(`${path}.path`, file.path ?? ''));
  const { fieldRef, resourceFieldRef: resource } = file;
  if (fieldRef) {
    causes.push(...fieldRefCauses(fieldRef, FILE_FIELDS, `${path}.fieldRef`));
    if (resource) {
      causes.push(
        invalidValue(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'),
      );
    }
  } else if (resource) {
    causes.push(...resourceFieldRefCauses(resource, `${path}.resourceFieldRef`, true));
  } else causes.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  return [...causes, ...modeCauses(`${path}.mode`, file.mode)];
}

const downwardAPI: SourceRule = (source, path) => [
  ...modeCauses(`${path}.defaultMode`, source.defaultMode),
  ...((source.items ?? []) as DownwardFile[]).flatMap((file) => downwardFileCauses(file, path)),
];

type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

const projected: SourceRule = (source, path) => {
  const taken = new Set<string>();
  return [
    ...modeCauses(`${path}.defaultMode`, source.defaultMode),
    ...((source.sources ?? []) as Projection[]).flatMap((one, index) =>
      projectionCauses(one, path, at(`${path}.sources`, index), taken),
    ),
  ];
};

/** `taken` collects the paths of all projections: each may be there once. */
function projectionCauses(
  projection: Projection,
  path: string,
  here: string,
  taken: Set<string>,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const take = (file: string | undefined, shown: string) => {
    if (!file) return;
    if (taken.has(file)) causes.push(invalidValue(path, shown, CONFLICT));
    taken.add(file);
  };
  for (const field of ['secret', 'configMap'] as const) {
    const source = projection[field];
    if (!source) continue;
    if (!source.name) causes.push(required(`${here}.${field}.name`));
    for (const [index, item] of (source.items ?? []).entries()) {
      causes.push(...itemCauses(item, at(`${here}.${field}.items`, index)));
      take(item.path, source.name ?? '');
    }
  }
  for (const file of projection.downwardAPI?.items ?? []) {
    causes.push(...downwardFileCauses(file, `${here}.downwardAPI`));
    take(file.path, file.path);
  }
  const token = projection.serviceAccountToken;
  if (token) {
    const seconds = token.expirationSeconds ?? 0;
    const field = `${here}.serviceAccountToken.expirationSeconds`;
    if (seconds < 600)
      causes.push(invalidValue(field, seconds, 'may not specify a duration less than 10 minutes'));
    if (seconds > MAX_TOKEN_SECONDS)
      causes.push(invalidValue(field, seconds, 'may not specify a duration larger than 2^32 seconds'));
    if (!token.path) causes.push(required(`${path}.path`));
    else causes.push(...nonReservedPathCauses(`${path}.path`, token.path));
  }
  const bundle = projection.clusterTrustBundle;
  if (bundle) {
    const field = `${here}.clusterTrustBundle`;
    if (bundle.name !== undefined && bundle.signerName !== undefined)
      causes.push(invalidValue(field, bundle, 'only one of name and signerName may be used'));
    else if (bundle.name === undefined && bundle.signerName === undefined)
      causes.push(required(field, 'either name or signerName must be specified'));
    if (!bundle.path) causes.push(required(`${field}.path`));
    causes.push(...nonReservedPathCauses(`${field}.path`, bundle.path ?? ''));
    take(bundle.path, bundle.path);
  }
  if (Object.keys(projection).length > 1)
    causes.push(forbiddenField(here, 'may not specify more than 1 volume type per source'));
  return causes;
}

const csi: SourceRule = (source, path) => {
  const causes = driverNameCauses(`${path}.driver`, source.driver);
  const secret = source.nodePublishSecretRef;
  if (secret && !secret.name) causes.push(required(`${path}.nodePublishSecretRef.name`));
  else if (secret) causes.push(...validateWith(`${path}.name`, secret.name, isDNS1123Subdomain));
  return causes;
};

const ephemeral: SourceRule = ({ volumeClaimTemplate: template }, path) => {
  const here = `${path}.volumeClaimTemplate`;
  if (!template) return [required(here)];
  const { annotations, labels, ...other } = template.metadata ?? {};
  return [
    ...validateAnnotations(`${here}.metadata.annotations`, annotations),
    ...validateLabels(`${here}.metadata.labels`, labels),
    ...Object.keys(other).map((name) => forbiddenField(`${here}.metadata.${name}`, 'cannot be set')),
    ...claimSpecCauses(template.spec, `${here}.spec`),
  ];
};

const image: SourceRule = (source, path, owner) => {
  const policies = ['Always', 'IfNotPresent', 'Never'];
  return [
    ...needs('reference')(source, path, owner),
    ...(policies.includes(source.pullPolicy)
      ? []
      : [notSupported(`${path}.pullPolicy`, source.pullPolicy ?? '', policies)]),
  ];
};

const emptyDir: SourceRule = ({ sizeLimit }, path) =>
  sizeLimit?.startsWith('-')
    ? [forbiddenField(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')]
    : [];

/** In upstream's order. */
const SOURCES: readonly SourceType[] = [
  { field: 'emptyDir', rule: emptyDir },
  ...[S.hostPath, P.gitRepo, S.gcePersistentDisk, S.awsElasticBlockStore],
  { field: 'secret', rule: keyed('secretName') },
  ...[S.nfs, P.iscsi, P.glusterfs, S.flocker, P.persistentVolumeClaim, S.rbd, P.cinder, S.cephfs, S.quobyte],
  { field: 'downwardAPI', rule: downwardAPI, secondAs: 'downwarAPI' },
  ...[S.fc, S.flexVolume],
  { field: 'configMap', rule: keyed('name') },
  ...[P.azureFile, S.vsphereVolume, S.photonPersistentDisk, S.portworxVolume, S.azureDisk, P.storageos],
  { field: 'projected', rule: projected },
  S.scaleIO,
  { field: 'csi', rule: csi },
  { field: 'ephemeral', rule: all(ephemeral) },
  { field: 'image', rule: image },
];

/** The causes of a pod's volumes, and those that are fine, by name: only they can be mounted. */
export function podVolumeCauses(
  volumes: readonly Volume[],
  path: string,
  podName: string | undefined,
): { readonly causes: readonly StatusCause[]; readonly usable: ReadonlyMap<string, Volume> } {
  const causes: StatusCause[] = [];
  const usable = new Map<string, Volume>();
  const claimOf = ({ name }: Volume) => `${podName}-${name}`;
  const created = new Set(podName ? volumes.filter((one) => one.ephemeral).map(claimOf) : []);
  for (const [index, volume] of volumes.entries()) {
    const here = at(path, index);
    const found = sourceCauses(volume, here, SOURCES, { name: volume.name ?? '' });
    if (podName && volume.name && volume.ephemeral) {
      const claim = claimOf(volume);
      found.push(
        ...isDNS1123Subdomain(claim).map((why) =>
          invalidValue(`${here}.name`, volume.name, `PVC name ${JSON.stringify(claim)}: ${why}`),
        ),
      );
    }
    if (!volume.name) found.push(required(`${here}.name`));
    else found.push(...validateWith(`${here}.name`, volume.name, isDNS1123Label));
    if (usable.has(volume.name)) found.push(duplicate(`${here}.name`, volume.name));
    if (found.length === 0) usable.set(volume.name, volume);
    causes.push(...found);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim && created.has(claim)) {
      causes.push(
        invalidValue(
          `${here}.persistentVolumeClaim.claimName`,
          claim,
          'must not reference a PVC that gets created for an ephemeral volume',
        ),
      );
    }
  }
  return { causes, usable };
}
