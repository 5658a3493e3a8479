import {
  ANN_BETA_STORAGE_CLASS,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import { equal, forbiddenField, immutable, unchanged } from '../validation/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { accessModesCell, classCell } from './volume-cells.ts';
import { claimSpecCauses, shrinks } from './volume-validation.ts';

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
  selectableFields: { name: (claim) => claim.metadata?.name ?? '' },
  strategy: {
    defaults: defaultClaim,
    prepareForCreate: (claim) => ({ ...claim, status: { phase: 'Pending' } }),
    validate: ({ spec }) => claimSpecCauses(spec, 'spec'),
    validateUpdate: validateClaimUpdate,
  },
});

/** volumeMode Filesystem; dataSource and dataSourceRef each from the other (NormalizeDataSources). */
export function defaultClaim(claim: PersistentVolumeClaim): PersistentVolumeClaim {
  const spec = fill(claim.spec ?? {}, { volumeMode: 'Filesystem' });
  const filled = fill(spec, {
    dataSource: spec.dataSourceRef?.namespace ? undefined : spec.dataSourceRef,
    dataSourceRef: spec.dataSource,
  });
  return filled === claim.spec ? claim : { ...claim, spec: filled };
}

/** A claim is immutable but for binding it, and for size and attributes class once bound (ValidatePersistentVolumeClaimUpdate). */
export function validateClaimUpdate(
  next: PersistentVolumeClaim,
  previous: Stored<PersistentVolumeClaim>,
): StatusCause[] {
  const a = next.spec ?? {};
  const b = previous.spec ?? {};
  const causes: StatusCause[] = [];
  const betaClass = previous.metadata.annotations?.[ANN_BETA_STORAGE_CLASS];
  const upgraded =
    betaClass !== undefined && b.storageClassName === undefined && a.storageClassName === betaClass;
  if (!upgraded && next.metadata?.annotations?.[ANN_BETA_STORAGE_CLASS] !== betaClass) {
    causes.push(
      immutable(
        'metadata.annotations[volume.beta.kubernetes.io/storage-class]',
        next.metadata?.annotations?.[ANN_BETA_STORAGE_CLASS] ?? '',
      ),
    );
  }
  const bound = previous.status?.phase === 'Bound';
  // A class may be given later to a claim that had none at all (RetroactiveDefaultStorageClass).
  const classGiven =
    betaClass === undefined && b.storageClassName === undefined && a.storageClassName !== undefined;
  const allowed = {
    ...a,
    volumeName: b.volumeName ? a.volumeName : b.volumeName,
    storageClassName: upgraded || classGiven ? b.storageClassName : a.storageClassName,
    volumeAttributesClassName: bound ? b.volumeAttributesClassName : a.volumeAttributesClassName,
    resources:
      bound && a.resources?.requests
        ? {
            ...a.resources,
            requests: { ...a.resources.requests, storage: b.resources?.requests?.storage ?? '0' },
          }
        : a.resources,
  };
  if (!equal(allowed, b)) {
    causes.push(
      forbiddenField(
        'spec',
        'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      ),
    );
  }
  const size = a.resources?.requests?.storage;
  if (shrinks(size, b.resources?.requests?.storage) && !shrinks(previous.status?.capacity?.storage, size)) {
    // Lower than before is allowed only while it stays above what the volume already has.
    causes.push(
      forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity'),
    );
  }
  causes.push(...unchanged('volumeMode', a.volumeMode, b.volumeMode));
  if (previous.status?.currentVolumeAttributesClassName !== undefined && !a.volumeAttributesClassName) {
    const what = a.volumeAttributesClassName === '' ? 'empty string' : 'nil';
    causes.push(
      forbiddenField(
        'spec.volumeAttributesClassName',
        `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`,
      ),
    );
  }
  return causes;
}
