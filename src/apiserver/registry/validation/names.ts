import { isLabelValue, isQualifiedName, type NameRule, type StatusCause } from '../../../kube/index.ts';
import { invalidValue, tooLong } from './field.ts';

export {
  isConfigKey,
  isDNS1035Label,
  isDNS1123Label,
  isDNS1123Subdomain,
  isDNS1123SubdomainWithUnderscore,
  isLabelValue,
  isPathSegment,
  isQualifiedName,
  type NameRule,
} from '../../../kube/index.ts';

/** A text that a client left out is Go's: empty. */
export function validateWith(field: string, value: string | undefined, check: NameRule): StatusCause[] {
  return check(value ?? '').map((why) => invalidValue(field, value ?? '', why));
}

const ANNOTATIONS_LIMIT_BYTES = 256 * 1024;

export function validateLabels(
  field: string,
  labels: Readonly<Record<string, string>> | undefined,
): StatusCause[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...validateWith(field, key, isQualifiedName),
    ...isLabelValue(value).map((why) => invalidValue(field, value, why)),
  ]);
}

export function validateAnnotations(
  field: string,
  annotations: Readonly<Record<string, string>> | undefined,
): StatusCause[] {
  const causes: StatusCause[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    causes.push(...isQualifiedName(key.toLowerCase()).map((why) => invalidValue(field, key, why)));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > ANNOTATIONS_LIMIT_BYTES) causes.push(tooLong(field, ANNOTATIONS_LIMIT_BYTES));
  return causes;
}
