import {
  type PersistentVolume,
  type PersistentVolumeSpec,
  persistentVolumes,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import { at, equal, forbiddenField, notSupported, oneOf, required, unchanged } from '../validation/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { change, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { accessModesCell, classCell } from './volume-cells.ts';
import {
  accessModeCauses,
  classNameCauses,
  driverNameCauses,
  positiveQuantityCauses,
  VOLUME_MODES,
} from './volume-validation.ts';

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
  selectableFields: { name: (pv) => pv.metadata?.name ?? '' },
  strategy: {
    defaults: (pv) =>
      change(pv, 'spec', (spec) =>
        fill(spec, { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }),
      ),
    prepareForCreate: (pv) => ({ ...pv, status: { phase: 'Pending' } }),
    validate: ({ spec }) => validateVolumeSpec(spec, 'spec'),
    validateUpdate,
  },
});

const SPEC_FIELDS = new Set([
  ...['accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy'],
  ...['storageClassName', 'volumeAttributesClassName', 'volumeMode'],
]);

/** The fields of a spec that say where the data is. */
function sourceOf(spec: PersistentVolumeSpec | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec ?? {}).filter(([name]) => !SPEC_FIELDS.has(name)));
}

/** Rules: Kubernetes 1.36, ValidatePersistentVolumeSpec. */
export function validateVolumeSpec(spec: PersistentVolumeSpec | undefined, path: string): StatusCause[] {
  const causes = accessModeCauses(spec?.accessModes, `${path}.accessModes`);
  const capacity = spec?.capacity ?? {};
  if (Object.keys(capacity).length === 0) causes.push(required(`${path}.capacity`));
  if (capacity.storage === undefined || Object.keys(capacity).length > 1) {
    causes.push(notSupported(`${path}.capacity`, capacity, ['storage']));
  }
  for (const [name, quantity] of Object.entries(capacity)) {
    causes.push(...positiveQuantityCauses(at(`${path}.capacity`, name), quantity));
  }
  causes.push(
    ...oneOf(`${path}.persistentVolumeReclaimPolicy`, spec?.persistentVolumeReclaimPolicy, [
      'Delete',
      'Recycle',
      'Retain',
    ]),
  );
  causes.push(...validateNodeAffinity(spec, path), ...validateSource(spec, path));
  causes.push(...classNameCauses(`${path}.storageClassName`, spec?.storageClassName));
  causes.push(...oneOf(`${path}.volumeMode`, spec?.volumeMode, VOLUME_MODES));
  if (spec?.volumeAttributesClassName === '') {
    causes.push(required(`${path}.volumeAttributesClassName`, 'an empty string is disallowed'));
  }
  if (spec?.volumeAttributesClassName !== undefined && !spec.csi) {
    causes.push(required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName'));
  }
  return causes;
}

function validateSource(spec: PersistentVolumeSpec | undefined, path: string): StatusCause[] {
  const [first, ...more] = Object.keys(sourceOf(spec));
  if (first === undefined) return [required(path, 'must specify a volume type')];
  const causes = more.map((name) =>
    forbiddenField(`${path}.${name}`, 'may not specify more than 1 volume type'),
  );
  if (spec?.csi) {
    causes.push(...driverNameCauses(`${path}.csi.driver`, spec.csi.driver));
    if (!spec.csi.volumeHandle) causes.push(required(`${path}.csi.volumeHandle`));
    for (const name of [
      'controllerPublishSecretRef',
      'controllerExpandSecretRef',
      'nodePublishSecretRef',
      'nodeStageSecretRef',
      'nodeExpandSecretRef',
    ] as const) {
      const reference = spec.csi[name];
      if (!reference) continue;
      if (!reference.name) causes.push(required(`${path}.csi.${name}.name`));
      if (!reference.namespace) causes.push(required(`${path}.csi.${name}.namespace`));
    }
  }
  if (spec?.hostPath) {
    if (!spec.hostPath.path) causes.push(required(`${path}.hostPath.path`));
    else if (/^\/+$/.test(spec.hostPath.path) && spec.persistentVolumeReclaimPolicy === 'Recycle') {
      causes.push(
        forbiddenField(
          `${path}.persistentVolumeReclaimPolicy`,
          "may not be 'recycle' for a hostPath mount of '/'",
        ),
      );
    }
  }
  if (spec?.local) {
    if (!spec.local.path) causes.push(required(`${path}.local.path`));
    if (!spec.nodeAffinity?.required) {
      causes.push(required(`${path}.nodeAffinity`, 'Local volume requires node affinity'));
    }
  }
  if (spec?.nfs) {
    if (!spec.nfs.server) causes.push(required(`${path}.nfs.server`));
    if (!spec.nfs.path) causes.push(required(`${path}.nfs.path`));
  }
  if (spec?.flexVolume && !spec.flexVolume.driver) causes.push(required(`${path}.flexVolume.driver`));
  return causes;
}

function validateNodeAffinity(spec: PersistentVolumeSpec | undefined, path: string): StatusCause[] {
  if (!spec?.nodeAffinity) return [];
  const here = `${path}.nodeAffinity.required`;
  if (!spec.nodeAffinity.required) return [required(here, 'must specify required node constraints')];
  return spec.nodeAffinity.required.nodeSelectorTerms?.length
    ? []
    : [required(`${here}.nodeSelectorTerms`, 'must have at least one node selector term')];
}

function validateUpdate(next: PersistentVolume, previous: Stored<PersistentVolume>): StatusCause[] {
  const causes: StatusCause[] = [];
  let source = next.spec;
  if (
    source?.csi?.controllerExpandSecretRef &&
    previous.spec?.csi &&
    !previous.spec.csi.controllerExpandSecretRef
  ) {
    // May be set once.
    source = { ...source, csi: { ...source.csi, controllerExpandSecretRef: undefined } };
  }
  if (!equal(sourceOf(source), sourceOf(previous.spec))) {
    causes.push(
      forbiddenField(
        'spec.persistentvolumesource',
        'spec.persistentvolumesource is immutable after creation',
      ),
    );
  }
  causes.push(...unchanged('volumeMode', next.spec?.volumeMode, previous.spec?.volumeMode));
  // May be set once; 1.36 changes it later only behind the alpha gate MutablePVNodeAffinity.
  if (previous.spec?.nodeAffinity) {
    causes.push(...unchanged('nodeAffinity', next.spec?.nodeAffinity, previous.spec.nodeAffinity));
  }
  if (
    previous.spec?.volumeAttributesClassName !== undefined &&
    next.spec?.volumeAttributesClassName === undefined
  ) {
    causes.push(
      forbiddenField('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'),
    );
  }
  return causes;
}
