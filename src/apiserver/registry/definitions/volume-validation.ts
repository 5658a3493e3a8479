import {
  compareQuantity,
  type PersistentVolumeClaimSpec,
  parseNano,
  type StatusCause,
} from '../../../kube/index.ts';
import {
  at,
  forbiddenField,
  invalidValue,
  isDNS1123Subdomain,
  notSupported,
  oneOf,
  required,
  tooLong,
  validateWith,
} from '../validation/index.ts';

// What volumes and claims share. Source: Kubernetes 1.36, pkg/apis/core/validation.

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const VOLUME_MODES = ['Block', 'Filesystem'];
const DRIVER_NAME_MAX_BYTES = 63;

export function accessModeCauses(
  modes: readonly string[] | undefined,
  path: string,
  why = '',
): StatusCause[] {
  if (!modes || modes.length === 0) return [required(path, why)];
  const causes = modes
    .filter((mode) => !ACCESS_MODES.includes(mode))
    .map((mode) => notSupported(path, mode, ACCESS_MODES));
  if (
    modes.includes('ReadWriteOncePod') &&
    modes.some((mode) => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode))
  ) {
    causes.push(forbiddenField(path, 'may not use ReadWriteOncePod with other access modes'));
  }
  return causes;
}

export function positiveQuantityCauses(path: string, quantity: string): StatusCause[] {
  return (parseNano(quantity) ?? 0n) > 0n ? [] : [invalidValue(path, quantity, 'must be greater than zero')];
}

export function classNameCauses(path: string, name: string | undefined): StatusCause[] {
  return name ? validateWith(path, name, isDNS1123Subdomain) : [];
}

export function driverNameCauses(path: string, name: string | undefined): StatusCause[] {
  if (!name) return [required(path)];
  const causes: StatusCause[] =
    name.length > DRIVER_NAME_MAX_BYTES ? [tooLong(path, DRIVER_NAME_MAX_BYTES)] : [];
  return [...causes, ...isDNS1123Subdomain(name.toLowerCase()).map((why) => invalidValue(path, name, why))];
}

/** Rules of a claim's spec, wherever it stands. */
export function claimSpecCauses(spec: PersistentVolumeClaimSpec | undefined, path: string): StatusCause[] {
  const causes = accessModeCauses(
    spec?.accessModes,
    `${path}.accessModes`,
    'at least 1 access mode is required',
  );
  const size = spec?.resources?.requests?.storage;
  const sizePath = at(`${path}.resources`, 'storage');
  if (size === undefined) causes.push(required(sizePath));
  else causes.push(...positiveQuantityCauses(sizePath, size));
  causes.push(...classNameCauses(`${path}.storageClassName`, spec?.storageClassName));
  causes.push(...oneOf(`${path}.volumeMode`, spec?.volumeMode, VOLUME_MODES));
  causes.push(...classNameCauses(`${path}.volumeAttributesClassName`, spec?.volumeAttributesClassName));
  for (const name of ['dataSource', 'dataSourceRef'] as const) {
    const source = spec?.[name];
    if (!source) continue;
    if (!source.name) causes.push(required(`${path}.${name}.name`));
    if (!source.kind) causes.push(required(`${path}.${name}.kind`));
    if (!source.apiGroup && source.kind !== 'PersistentVolumeClaim') {
      causes.push(
        invalidValue(
          `${path}.${name}`,
          source.kind,
          "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
        ),
      );
    }
  }
  return causes;
}

/** Whether a new size is smaller. */
export const shrinks = (next: string | undefined, previous: string | undefined): boolean =>
  compareQuantity(next, previous) < 0;
