import { parseNano, quantityValue, type StatusCause } from '../../../kube/index.ts';
import {
  forbiddenField,
  invalidValue,
  isDNS1123Subdomain,
  notSupported,
  required,
  tooLong,
  validateWith,
} from '../validation/index.ts';

// What volumes and claims share. Source: Kubernetes 1.36, pkg/apis/core/validation.

const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const VOLUME_MODES = ['Block', 'Filesystem'];
export const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
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

/** How much storage: more than nothing. A volume is told of a negative size twice. */
export function storageQuantityCauses(path: string, quantity: string, ofVolume = false): StatusCause[] {
  const nano = parseNano(quantity) ?? 0n;
  const causes: StatusCause[] = [];
  if (ofVolume && nano < 0n)
    causes.push(invalidValue(path, Number(quantityValue(quantity)), 'must be a valid resource quantity'));
  if (nano <= 0n) causes.push(invalidValue(path, quantity, 'must be greater than zero'));
  return causes;
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
