import {
  ANN_BETA_STORAGE_CLASS,
  compareQuantity,
  type PersistentVolumeClaim,
  type PersistentVolumeClaimSpec,
  quantityMilliValue,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import {
  at,
  equal,
  forbiddenField,
  immutable,
  invalidValue,
  isQualifiedName,
  notSupported,
  required,
  unchanged,
  validateWith,
} from '../validation/index.ts';
import { unifiedDiff } from '../validation/unified-diff.ts';
import { goForm } from './go-form.ts';

// What may become of a claim. Source: Kubernetes 1.36, pkg/apis/core/validation.

/** A claim is immutable but for binding it, and for size and attributes class once bound (ValidatePersistentVolumeClaimUpdate). */
export function claimUpdateCauses(
  next: PersistentVolumeClaim,
  previous: Stored<PersistentVolumeClaim>,
): StatusCause[] {
  const a = next.spec ?? {};
  const b = previous.spec ?? {};
  const upgraded = takesClassFromAnnotation(next, previous);
  const causes = upgraded ? [] : betaClassCauses(next, previous);
  // Both as they are to be compared: with what may differ made equal.
  const before = b.volumeName ? b : { ...b, volumeName: a.volumeName };
  const after = comparable(a, b, previous.status?.phase === 'Bound');
  const keepsClass = upgraded || givesClass(next, previous);
  const compared = keepsClass ? { ...after, storageClassName: b.storageClassName } : after;
  if (!equal(compared, before)) {
    const form = (spec: PersistentVolumeClaimSpec) => goForm('PersistentVolumeClaimSpec', spec);
    causes.push(
      forbiddenField(
        'spec',
        `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${unifiedDiff(form(before), form(compared))}`,
      ),
    );
  }
  const size = a.resources?.requests?.storage;
  // A claim that cannot grow as asked may ask for less again, but not for as little as it has.
  if (
    compareQuantity(size, b.resources?.requests?.storage) < 0 &&
    compareQuantity(size, previous.status?.capacity?.storage) <= 0
  ) {
    causes.push(
      forbiddenField('spec.resources.requests.storage', 'field can not be less than status.capacity'),
    );
  }
  causes.push(...unchanged('volumeMode', a.volumeMode, b.volumeMode));
  return [...causes, ...attributesClassCauses(a, previous)];
}

function comparable(
  next: PersistentVolumeClaimSpec,
  previous: PersistentVolumeClaimSpec,
  bound: boolean,
): PersistentVolumeClaimSpec {
  if (!bound) return next;
  const requests = next.resources?.requests;
  return {
    ...next,
    volumeAttributesClassName: previous.volumeAttributesClassName,
    resources: requests
      ? {
          ...next.resources,
          requests: { ...requests, storage: previous.resources?.requests?.storage ?? '0' },
        }
      : next.resources,
  };
}

function annotatedClass({ metadata }: PersistentVolumeClaim): string | undefined {
  return metadata?.annotations?.[ANN_BETA_STORAGE_CLASS];
}

/** The class of the old annotation moves into the field (validateStorageClassUpgradeFromAnnotation). */
function takesClassFromAnnotation(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): boolean {
  const old = annotatedClass(previous);
  const kept = annotatedClass(next);
  return (
    old !== undefined &&
    previous.spec?.storageClassName === undefined &&
    next.spec?.storageClassName === old &&
    (kept === undefined || kept === old)
  );
}

/** A claim without a class gets one later (validateStorageClassUpgradeFromNil). */
function givesClass(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): boolean {
  const old = annotatedClass(previous);
  const name = next.spec?.storageClassName;
  return (
    name !== undefined && previous.spec?.storageClassName === undefined && (old === undefined || old === name)
  );
}

function betaClassCauses(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): StatusCause[] {
  const value = annotatedClass(next) ?? '';
  if (value === (annotatedClass(previous) ?? '')) return [];
  return [immutable(`metadata.annotations.${ANN_BETA_STORAGE_CLASS}`, value)];
}

/** An attributes class that has been applied once can only be exchanged. */
function attributesClassCauses(
  next: PersistentVolumeClaimSpec,
  { spec, status }: Stored<PersistentVolumeClaim>,
): StatusCause[] {
  const name = next.volumeAttributesClassName;
  if (name === spec?.volumeAttributesClassName || name) return [];
  if (status?.currentVolumeAttributesClassName === undefined) return [];
  return [
    forbiddenField(
      'spec.volumeAttributesClassName',
      `update to ${name === undefined ? 'nil' : 'empty string'} is forbidden when status.currentVolumeAttributesClassName is not nil`,
    ),
  ];
}

const RESIZE_STATES = [
  ...['ControllerResizeInProgress', 'ControllerResizeInfeasible', 'NodeResizePending'],
  ...['NodeResizeInProgress', 'NodeResizeInfeasible'],
];

/** Rules of a status: ValidatePersistentVolumeClaimStatusUpdate. */
export function claimStatusCauses({ spec, status }: PersistentVolumeClaim): StatusCause[] {
  const causes = spec?.accessModes?.length ? [] : [required('Spec.accessModes')];
  for (const [name, quantity] of Object.entries(status?.capacity ?? {}))
    causes.push(...quantityCauses(at('status.capacity', name), quantity));
  const states = 'status.allocatedResourceStatuses';
  for (const [name, state] of Object.entries(status?.allocatedResourceStatuses ?? {})) {
    causes.push(...resourceNameCauses(states, name));
    if (!RESIZE_STATES.includes(state)) {
      causes.push(notSupported(states, name, [...RESIZE_STATES].sort()));
    }
  }
  for (const [name, quantity] of Object.entries(status?.allocatedResources ?? {})) {
    const path = at('status.allocatedResources', name);
    const bad = resourceNameCauses('status.allocatedResources', name);
    if (bad.length > 0) causes.push(...bad);
    else {
      causes.push(...quantityCauses(path, quantity));
      if (quantityMilliValue(quantity) % 1000n !== 0n)
        causes.push(invalidValue(path, quantity, 'must be an integer'));
    }
  }
  return causes;
}

function quantityCauses(path: string, quantity: string): StatusCause[] {
  if (compareQuantity(quantity, '0') >= 0) return [];
  return [
    invalidValue(path, Number(quantityMilliValue(quantity) / 1000n), 'must be a valid resource quantity'),
  ];
}

/** Of the names without a domain only storage is one. */
function resourceNameCauses(path: string, name: string): StatusCause[] {
  const causes = validateWith(path, name, isQualifiedName);
  if (causes.length > 0) return causes;
  const native = !name.includes('/') || name.includes('kubernetes.io/');
  return native && name !== 'storage' ? [notSupported(path, name, ['storage'])] : [];
}
