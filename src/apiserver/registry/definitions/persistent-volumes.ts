import { rfc3339 } from '../../../base/index.ts';
import {
  ANN_BETA_STORAGE_CLASS,
  type PersistentVolume,
  type PersistentVolumeSpec,
  persistentVolumes,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import { at, forbiddenField } from '../validation/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { change, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { betaClassWarning, oldNodeLabelWarnings } from './deprecations.ts';
import { accessModesCell, classCell } from './volume-cells.ts';
import { withSourceDefaults } from './volume-source-defaults.ts';
import { volumeSpecCauses, volumeUpdateCauses } from './volume-spec-validation.ts';

export const persistentVolumeDefinition = defineResource<PersistentVolume>(persistentVolumes, {
  subresources: ['status'],
  columns: [
    nameColumn(),
    column('Capacity', (pv) => pv.spec?.capacity?.storage ?? '0', { description: 'The size of the volume.' }),
    column('Access Modes', (pv) => accessModesCell(pv.spec?.accessModes), {
      description: 'How the volume may be mounted.',
    }),
    column('Reclaim Policy', (pv) => pv.spec?.persistentVolumeReclaimPolicy ?? '', {
      description: 'What becomes of the volume once its claim is gone.',
    }),
    column('Status', (pv) => (pv.metadata.deletionTimestamp ? 'Terminating' : (pv.status?.phase ?? '')), {
      description: 'Whether the volume is available, bound, released or failed.',
    }),
    column(
      'Claim',
      (pv) => (pv.spec?.claimRef ? `${pv.spec.claimRef.namespace ?? ''}/${pv.spec.claimRef.name ?? ''}` : ''),
      {
        description: 'The claim that the volume is bound to.',
      },
    ),
    column('StorageClass', classCell, { description: 'StorageClass of the pv' }),
    column('VolumeAttributesClass', (pv) => pv.spec?.volumeAttributesClassName ?? '<unset>', {
      description: 'VolumeAttributesClass of the pv',
    }),
    column('Reason', (pv) => pv.status?.reason ?? '', {
      description: 'Why the volume has failed, as one word.',
    }),
    ageColumn(),
    wideColumn('VolumeMode', (pv) => pv.spec?.volumeMode ?? '<unset>'),
  ],
  strategy: {
    defaults: (pv) =>
      change(
        change(pv, 'spec', (spec) =>
          withSourceDefaults(
            fill(spec, { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }),
          ),
        ),
        'status',
        (status) => fill(status, { phase: 'Pending' }),
      ),
    prepareForCreate: (pv, nowMs) => ({
      ...pv,
      status: { phase: 'Pending', lastPhaseTransitionTime: rfc3339(nowMs) },
    }),
    prepareForStatusUpdate: withTransitionTime,
    validate,
    validateUpdate: volumeUpdateCauses,
    warnings,
  },
});

/** The strategy keeps the time of the last change of phase, unless the client gives it. */
function withTransitionTime(
  next: PersistentVolume,
  previous: Stored<PersistentVolume>,
  nowMs: number,
): PersistentVolume {
  const given = next.status?.lastPhaseTransitionTime;
  const before = previous.status?.lastPhaseTransitionTime;
  const samePhase = next.status?.phase === previous.status?.phase;
  if (samePhase ? given !== undefined || before === undefined : given !== undefined && given !== before)
    return next;
  return {
    ...next,
    status: { ...next.status, lastPhaseTransitionTime: samePhase ? before : rfc3339(nowMs) },
  };
}

const MOUNT_OPTIONS = 'volume.beta.kubernetes.io/mount-options';
/** The old annotation is only for these. */
const TAKE_MOUNT_OPTIONS = [
  ...['gcePersistentDisk', 'awsElasticBlockStore', 'glusterfs', 'nfs', 'rbd', 'quobyte', 'iscsi', 'cinder'],
  ...['cephfs', 'azureFile', 'vsphereVolume', 'azureDisk', 'photonPersistentDisk'],
];

function validate({ metadata, spec }: PersistentVolume): StatusCause[] {
  const causes = volumeSpecCauses(spec, 'spec', metadata?.name);
  if (metadata?.annotations?.[MOUNT_OPTIONS] === undefined) return causes;
  if (TAKE_MOUNT_OPTIONS.some((field) => Object.hasOwn(spec ?? {}, field))) return causes;
  return [
    ...causes,
    forbiddenField(
      `metadata.annotations.${MOUNT_OPTIONS}`,
      'may not specify mount options for this volume type',
    ),
  ];
}

const DEPRECATED: readonly (readonly [keyof PersistentVolumeSpec, string, string])[] = [
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

/** Source: Kubernetes 1.36, pkg/api/persistentvolume GetWarningsForPersistentVolume. */
function warnings({ metadata, spec }: PersistentVolume): string[] {
  const found: string[] = [];
  if (metadata?.annotations?.[ANN_BETA_STORAGE_CLASS] !== undefined) found.push(betaClassWarning);
  if (metadata?.annotations?.[MOUNT_OPTIONS] !== undefined) {
    found.push(
      `metadata.annotations[${MOUNT_OPTIONS}]: deprecated since v1.31; use "mountOptions" attribute instead`,
    );
  }
  if (spec?.persistentVolumeReclaimPolicy === 'Recycle') {
    found.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  }
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  for (const [index, { matchExpressions = [] }] of terms.entries()) {
    const path = at('spec.nodeAffinity.required.nodeSelectorTerms', index);
    found.push(...oldNodeLabelWarnings(matchExpressions, `${path}.matchExpressions`));
  }
  for (const [field, name, what] of DEPRECATED) if (spec?.[field]) found.push(`spec.${name}: ${what}`);
  return found;
}
