import { rfc3339 } from '../../../base/index.ts';
import type { FieldType } from './models.ts';
import { canonicalQuantity } from './quantity-format.ts';

/** The value in its canonical form, or no value: with `why` when the message is not "cannot unmarshal". */
type Result = { readonly value: unknown } | { readonly why?: string };

const NO: Result = {};
const SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const MICROS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const QUANTITY_FORM = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$';
/** Half-open would lose the ends: int64 values past 2^53 arrive rounded anyway. */
const RANGE = { int32: [-(2 ** 31), 2 ** 31 - 1], int64: [-(2 ** 63), 2 ** 63] } as const;

export function scalar(
  kind: Exclude<FieldType['kind'], 'array' | 'map' | 'ref' | 'any'>,
  value: unknown,
): Result {
  switch (kind) {
    case 'string':
      return typeof value === 'string' ? { value } : NO;
    case 'bool':
      return typeof value === 'boolean' ? { value } : NO;
    case 'double':
      return typeof value === 'number' ? { value } : NO;
    case 'int32':
    case 'int64': {
      const [low, high] = RANGE[kind];
      return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high
        ? { value }
        : NO;
    }
    case 'int-or-string':
      return typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))
        ? { value }
        : NO;
    case 'bytes':
      return bytes(value);
    case 'time':
    case 'microtime':
      return time(value, kind === 'microtime');
    case 'quantity':
      return quantity(value);
  }
}

function bytes(value: unknown): Result {
  if (typeof value !== 'string') return NO;
  const text = value.replace(/[\r\n]/g, '');
  const bad = /[^A-Za-z0-9+/]/.exec(text.replace(/={1,2}$/, ''));
  if (bad || text.length % 4 !== 0)
    return { why: `illegal base64 data at input byte ${bad ? bad.index : text.length}` };
  return { value: text };
}

function time(value: unknown, micro: boolean): Result {
  if (value instanceof Date) value = value.toISOString();
  if (typeof value !== 'string') return NO;
  if ((micro ? MICROS : SECONDS).test(value)) return { value };
  const match = RFC3339.exec(value);
  const epochMs = match ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(epochMs)) {
    const layout = micro ? '2006-01-02T15:04:05.000000Z07:00' : '2006-01-02T15:04:05Z07:00';
    return { why: `parsing time ${JSON.stringify(value)} as "${layout}": not a time of this form` };
  }
  if (!micro) return { value: rfc3339(epochMs) };
  const fraction = (match![1]?.slice(1) ?? '').padEnd(6, '0').slice(0, 6);
  return { value: `${new Date(epochMs).toISOString().slice(0, 19)}.${fraction}Z` };
}

const canonical = new Map<string, string>();

function quantity(value: unknown): Result {
  if (typeof value !== 'string' && typeof value !== 'number') return NO;
  const text = String(value);
  let form = canonical.get(text);
  if (form === undefined) {
    form = canonicalQuantity(text);
    if (form === undefined) return { why: `quantities must match the regular expression '${QUANTITY_FORM}'` };
    if (canonical.size >= 4096) canonical.clear();
    canonical.set(text, form);
  }
  return { value: form };
}
