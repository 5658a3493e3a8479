import type {
  PersistentVolume,
  PersistentVolumeSpec,
  StatusCause,
  Stored,
  VolumeNodeAffinity,
} from '../../../kube/index.ts';
import {
  at,
  equal,
  forbiddenField,
  invalidValue,
  notSupported,
  oneOf,
  required,
  unchanged,
} from '../validation/index.ts';
import { unifiedDiff } from '../validation/unified-diff.ts';
import { goForm } from './go-form.ts';
import { nodeSelectorCauses } from './node-selector-validation.ts';
import { sourceCauses, VOLUME_SOURCES } from './volume-source-rules.ts';
import {
  accessModeCauses,
  classNameCauses,
  RECLAIM_POLICIES,
  storageQuantityCauses,
  VOLUME_MODES,
} from './volume-validation.ts';

/** Rules: Kubernetes 1.36, ValidatePersistentVolumeSpec. `name` is the volume's, for the rule of iSCSI initiators. */
export function volumeSpecCauses(
  spec: PersistentVolumeSpec | undefined,
  path: string,
  name: string | undefined,
): StatusCause[] {
  const causes = [
    ...accessModeCauses(spec?.accessModes, `${path}.accessModes`),
    ...capacityCauses(spec?.capacity ?? {}, `${path}.capacity`),
  ];
  const policy = spec?.persistentVolumeReclaimPolicy;
  causes.push(...oneOf(`${path}.persistentVolumeReclaimPolicy`, policy || undefined, RECLAIM_POLICIES));
  causes.push(...nodeAffinityCauses(spec?.nodeAffinity, `${path}.nodeAffinity`));
  causes.push(...volumeSourceCauses(spec, path, name));
  causes.push(...classNameCauses(`${path}.storageClassName`, spec?.storageClassName));
  causes.push(...oneOf(`${path}.volumeMode`, spec?.volumeMode, VOLUME_MODES));
  return [...causes, ...attributesClassCauses(spec, path)];
}

/** The same for a volume that stands in a VolumeAttachment: what binding needs may not be there, and only CSI may. */
export function inlineVolumeSpecCauses(spec: PersistentVolumeSpec, path: string): StatusCause[] {
  const inContext = 'in the context of inline volumes';
  const absent = (field: 'claimRef' | 'capacity' | 'nodeAffinity' | 'storageClassName') =>
    spec[field] ? [forbiddenField(`${path}.${field}`, `may not be specified ${inContext}`)] : [];
  const policy = spec.persistentVolumeReclaimPolicy;
  return [
    ...absent('claimRef'),
    ...absent('capacity'),
    ...(spec.csi ? [] : [required(`${path}.csi`, `has to be specified ${inContext}`)]),
    ...accessModeCauses(spec.accessModes, `${path}.accessModes`),
    ...(policy && policy !== 'Retain'
      ? [forbiddenField(`${path}.persistentVolumeReclaimPolicy`, `may only be Retain ${inContext}`)]
      : []),
    ...absent('nodeAffinity'),
    ...volumeSourceCauses(spec, path, ''),
    ...absent('storageClassName'),
    ...((spec.volumeMode ?? 'Filesystem') === 'Filesystem'
      ? []
      : [
          forbiddenField(
            `${path}.volumeMode`,
            `may not specify volumeMode other than Filesystem ${inContext}`,
          ),
        ]),
  ];
}

function capacityCauses(capacity: Readonly<Record<string, string>>, path: string): StatusCause[] {
  const names = Object.keys(capacity);
  const causes = names.length === 0 ? [required(path)] : [];
  if (capacity.storage === undefined || names.length > 1) {
    causes.push(notSupported(path, names.length === 0 ? null : capacity, ['storage']));
  }
  return [
    ...causes,
    ...names.flatMap((name) => storageQuantityCauses(at(path, name), capacity[name]!, true)),
  ];
}

function nodeAffinityCauses(affinity: PersistentVolumeSpec['nodeAffinity'], path: string): StatusCause[] {
  if (!affinity) return [];
  const here = `${path}.required`;
  if (!affinity.required) return [required(here, 'must specify required node constraints')];
  return nodeSelectorCauses(affinity.required, here);
}

function volumeSourceCauses(
  spec: PersistentVolumeSpec | undefined,
  path: string,
  name: string | undefined,
): StatusCause[] {
  const { hostPath, nodeAffinity } = spec ?? {};
  const owner = { name: name ?? '', hasNodeAffinity: nodeAffinity !== undefined };
  const causes = sourceCauses(spec ?? {}, path, VOLUME_SOURCES, owner);
  if (hostPath && isRoot(hostPath.path) && spec?.persistentVolumeReclaimPolicy === 'Recycle') {
    causes.push(
      forbiddenField(
        `${path}.persistentVolumeReclaimPolicy`,
        "may not be 'recycle' for a hostPath mount of '/'",
      ),
    );
  }
  return causes;
}

/** Whether a path is '/' in whatever writing. */
function isRoot(path: string | undefined): boolean {
  return path?.startsWith('/') === true && path.split('/').every((part) => part === '' || part === '.');
}

function attributesClassCauses(spec: PersistentVolumeSpec | undefined, path: string): StatusCause[] {
  const name = spec?.volumeAttributesClassName;
  if (name === undefined) return [];
  const here = `${path}.volumeAttributesClassName`;
  return [
    ...(name === '' ? [required(here, 'an empty string is disallowed')] : classNameCauses(here, name)),
    ...(spec?.csi
      ? []
      : [required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName')]),
  ];
}

const SOURCE_FIELDS = VOLUME_SOURCES.map((type) => type.field);

/** The fields of a spec that say where the data is. */
function sourceOf(spec: PersistentVolumeSpec | undefined): Readonly<Record<string, unknown>> {
  const fields = (spec ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(SOURCE_FIELDS.map((name) => [name, fields[name]]));
}

/** Rules: ValidatePersistentVolumeUpdate, beyond those of any volume. */
export function volumeUpdateCauses(
  next: PersistentVolume,
  previous: Stored<PersistentVolume>,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const old = previous.spec;
  let source = next.spec;
  if (source?.csi?.controllerExpandSecretRef && old?.csi && !old.csi.controllerExpandSecretRef) {
    // May be set once.
    source = { ...source, csi: { ...source.csi, controllerExpandSecretRef: undefined } };
  }
  const [before, after] = [sourceOf(old), sourceOf(source)];
  if (!equal(after, before)) {
    const form = (value: object) => goForm('PersistentVolumeSource', value);
    causes.push(
      forbiddenField(
        'spec.persistentvolumesource',
        `spec.persistentvolumesource is immutable after creation\n${unifiedDiff(form(before), form(after))}`,
      ),
    );
  }
  causes.push(...unchanged('volumeMode', next.spec?.volumeMode, old?.volumeMode));
  // May be set once, and move from the beta labels to the stable ones; more only behind the alpha gate
  // MutablePVNodeAffinity.
  const affinity = next.spec?.nodeAffinity;
  if (old?.nodeAffinity && !equal(affinity, withStableLabels(old.nodeAffinity, affinity))) {
    const rule = 'field is immutable, except for updating from beta label to GA';
    causes.push(invalidValue('nodeAffinity', affinity ? goForm('VolumeNodeAffinity', affinity) : null, rule));
  }
  if (old?.volumeAttributesClassName !== undefined && next.spec?.volumeAttributesClassName === undefined) {
    causes.push(
      forbiddenField('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'),
    );
  }
  return causes;
}

const STABLE_LABELS: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

/** The old affinity with the stable labels in the places where the new one has them. */
function withStableLabels(old: VolumeNodeAffinity, next: VolumeNodeAffinity | undefined): VolumeNodeAffinity {
  const terms = old.required?.nodeSelectorTerms?.map((term, index) => ({
    ...term,
    matchExpressions: term.matchExpressions?.map((one, place) => {
      const key = next?.required?.nodeSelectorTerms?.[index]?.matchExpressions?.[place]?.key;
      return key !== undefined && STABLE_LABELS[one.key] === key ? { ...one, key } : one;
    }),
  }));
  return old.required && terms ? { required: { nodeSelectorTerms: terms } } : old;
}
