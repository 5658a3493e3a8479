/**
 * Quantities as resource.Quantity: an exact decimal number with a binary (Ki … Ei) or decimal (n … E) suffix, or
 * an exponent. Held as an integer count of nano-units, so nothing is lost that upstream keeps.
 */
const NANO = 1_000_000_000n;

const SCALE: Readonly<Record<string, bigint>> = {
  n: 1n,
  u: 1_000n,
  m: 1_000_000n,
  '': NANO,
  k: NANO * 10n ** 3n,
  M: NANO * 10n ** 6n,
  G: NANO * 10n ** 9n,
  T: NANO * 10n ** 12n,
  P: NANO * 10n ** 15n,
  E: NANO * 10n ** 18n,
  Ki: NANO << 10n,
  Mi: NANO << 20n,
  Gi: NANO << 30n,
  Ti: NANO << 40n,
  Pi: NANO << 50n,
  Ei: NANO << 60n,
};

const MAX_EXPONENT = 1_000n;
/** Only one way to read any text: a second one would be tried on each of a million digits. */
const FORM = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/;

/** The quantity in nano-units, rounded away from zero below one; `undefined` when the text is no quantity. */
export function parseNano(text: string | number): bigint | undefined {
  const match = FORM.exec(String(text));
  if (!match) return undefined;
  const [, sign, digits, suffix = ''] = match;
  const [whole = '', fraction = ''] = digits!.split('.');
  let numerator = BigInt(`${whole}${fraction}` || '0');
  let denominator = 10n ** BigInt(fraction.length);
  const scale = SCALE[suffix];
  if (scale !== undefined) numerator *= scale;
  else {
    const exponent = BigInt(suffix.slice(1));
    // Nobody has so much, and to write it out would take all memory (upstream never comes back from it).
    if (exponent > MAX_EXPONENT || exponent < -MAX_EXPONENT) return undefined;
    numerator *= NANO;
    if (exponent >= 0n) numerator *= 10n ** exponent;
    else denominator *= 10n ** -exponent;
  }
  const nano = (numerator + denominator - 1n) / denominator;
  return sign === '-' ? -nano : nano;
}

export function isQuantity(text: unknown): text is string {
  return (typeof text === 'string' || typeof text === 'number') && parseNano(text) !== undefined;
}

/** The value rounded up to a whole number (Quantity.Value): bytes for storage. Not a quantity: 0. */
export function quantityValue(text: string | undefined): bigint {
  return ceilDivide(parseNano(text ?? '0') ?? 0n, NANO);
}

/** The value in thousandths, rounded up (Quantity.MilliValue): milli-cores for cpu. */
export function quantityMilliValue(text: string | undefined): bigint {
  return ceilDivide(parseNano(text ?? '0') ?? 0n, 1_000_000n);
}

function ceilDivide(value: bigint, by: bigint): bigint {
  return value > 0n ? (value + by - 1n) / by : value / by;
}

/** Negative, zero or positive as a is less than, equal to or more than b. */
export function compareQuantity(a: string | undefined, b: string | undefined): number {
  const x = parseNano(a ?? '0') ?? 0n;
  const y = parseNano(b ?? '0') ?? 0n;
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Bytes in canonical binary form: the largest suffix that divides them, as resource.BinarySI prints. */
export function formatBytes(bytes: bigint | number): string {
  let value = BigInt(bytes);
  if (value === 0n) return '0';
  let unit = 0;
  while (unit < 6 && value % 1024n === 0n) {
    value /= 1024n;
    unit++;
  }
  return `${value}${['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'][unit]}`;
}
