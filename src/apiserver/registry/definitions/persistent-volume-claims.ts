import {
  ANN_BETA_STORAGE_CLASS,
  type PersistentVolumeClaim,
  type PersistentVolumeClaimSpec,
  persistentVolumeClaims,
} from '../../../kube/index.ts';
import { claimSpecCauses, claimSpecWarnings } from './claim-spec-validation.ts';
import { claimStatusCauses, claimUpdateCauses } from './claim-update-validation.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { change, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { betaClassWarning } from './deprecations.ts';
import { accessModesCell, classCell } from './volume-cells.ts';

export const persistentVolumeClaimDefinition = defineResource<PersistentVolumeClaim>(persistentVolumeClaims, {
  subresources: ['status'],
  columns: [
    nameColumn(),
    column(
      'Status',
      (claim) => (claim.metadata.deletionTimestamp ? 'Terminating' : (claim.status?.phase ?? '')),
      {
        description: 'Whether the claim is pending, bound or lost.',
      },
    ),
    column('Volume', (claim) => claim.spec?.volumeName ?? '', {
      description: 'The volume that backs the claim.',
    }),
    column('Capacity', (claim) => (claim.spec?.volumeName ? (claim.status?.capacity?.storage ?? '0') : ''), {
      description: 'The size of that volume.',
    }),
    column(
      'Access Modes',
      (claim) => (claim.spec?.volumeName ? accessModesCell(claim.status?.accessModes) : ''),
      {
        description: 'How that volume may be mounted.',
      },
    ),
    column('StorageClass', classCell, { description: 'StorageClass of the pvc' }),
    column('VolumeAttributesClass', (claim) => claim.spec?.volumeAttributesClassName ?? '<unset>', {
      description: 'VolumeAttributesClass of the pvc',
    }),
    ageColumn(),
    wideColumn('VolumeMode', (claim) => claim.spec?.volumeMode ?? '<unset>'),
  ],
  strategy: {
    defaults: (claim) =>
      change(
        change({ ...claim, spec: claim.spec ?? {} }, 'spec', (spec) => fill(spec, FILESYSTEM)),
        'status',
        (status) => fill(status, { phase: 'Pending' }),
      ),
    prepareForCreate: (claim) => ({
      ...change(claim, 'spec', (spec) => withDataSources(spec, undefined)),
      status: { phase: 'Pending' },
    }),
    prepareForUpdate: (next, previous) =>
      change(next, 'spec', (spec) => withDataSources(spec, previous.spec)),
    validate: ({ spec }) => claimSpecCauses(spec, 'spec'),
    validateUpdate: claimUpdateCauses,
    validateStatusUpdate: claimStatusCauses,
    warnings: ({ metadata, spec }) => [
      ...(metadata?.annotations?.[ANN_BETA_STORAGE_CLASS] === undefined ? [] : [betaClassWarning]),
      ...claimSpecWarnings(spec, 'spec'),
    ],
  },
});

const FILESYSTEM = { volumeMode: 'Filesystem' };

/**
 * dataSource and dataSourceRef, each from the other. What no version before populators could use is dropped from
 * dataSource, and a source in another namespace wants an alpha gate (DropDisabledFields,
 * EnforceDataSourceBackwardsCompatibility, NormalizeDataSources).
 */
function withDataSources(
  spec: PersistentVolumeClaimSpec,
  previous: PersistentVolumeClaimSpec | undefined,
): PersistentVolumeClaimSpec {
  let { dataSource, dataSourceRef } = spec;
  if (dataSourceRef?.namespace && !previous?.dataSourceRef) dataSourceRef = undefined;
  const inUse = previous?.dataSource !== undefined || previous?.dataSourceRef !== undefined;
  if (!inUse && dataSource && !dataSourceRef && !isClaimOrSnapshot(dataSource)) dataSource = undefined;
  if (dataSource && !dataSourceRef) dataSourceRef = dataSource;
  else if (dataSourceRef && !dataSource && !dataSourceRef.namespace) dataSource = local(dataSourceRef);
  if (dataSource === spec.dataSource && dataSourceRef === spec.dataSourceRef) return spec;
  return { ...spec, dataSource, dataSourceRef };
}

/** The reference as one that has no namespace, not even an empty one. */
function local(reference: NonNullable<PersistentVolumeClaimSpec['dataSourceRef']>) {
  if (reference.namespace === undefined) return reference;
  const { namespace: _, ...rest } = reference;
  return rest;
}

function isClaimOrSnapshot({
  apiGroup,
  kind,
}: NonNullable<PersistentVolumeClaimSpec['dataSource']>): boolean {
  return (
    (kind === 'PersistentVolumeClaim' && !apiGroup) ||
    (kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io')
  );
}
