/**
 * Quantities as resource.Quantity: an exact decimal number with a binary (Ki … Ei) or decimal (n … E) suffix, or
 * an exponent. Held as an integer count of nano-units, so nothing is lost that upstream keeps.
 */
const NANO = 1_000_000_000n;

/** What a suffix multiplies by: a power of ten, or of two. */
const DECIMAL_POWER: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_POWER: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

/** Nobody has a number of so many digits, and to write it out would take all memory (upstream never comes back from it). */
const MAX_DIGITS = 1_000;
/** What a Quantity with a binary suffix holds at most. */
const MAX_BINARY = (2n ** 63n - 1n) * NANO;
/** Whether a number times 2^60 has a rest below one nano is told by so many of its decimals, and whether any follow. */
const DECIMALS = 9 + 60;
/** Only one way to read any text: a second one would be tried on each of a million digits. */
const FORM = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/;

/** The same few quantities are read over and over: what texts were read as. Past so many all are forgotten. */
const MAX_READ = 1_024;
/** Characters of a text that is remembered. */
const MAX_READ_LENGTH = 32;
const read = new Map<string, bigint>();

/** The quantity in nano-units, rounded away from zero below one; `undefined` when the text is no quantity. */
export function parseNano(text: string | number): bigint | undefined {
  const key = String(text);
  const known = read.get(key);
  if (known !== undefined) return known;
  const nano = nanoOf(key);
  if (nano !== undefined && key.length <= MAX_READ_LENGTH) {
    if (read.size >= MAX_READ) read.clear();
    read.set(key, nano);
  }
  return nano;
}

/** The time it takes grows with the length of the text, not with its square: only digits that count become a number. */
function nanoOf(text: string): bigint | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const [, sign, number, suffix = ''] = match;
  const [whole = '', fraction = ''] = number!.split('.');
  const twos = BINARY_POWER[suffix];
  const tens = twos === undefined ? (DECIMAL_POWER[suffix] ?? Number(suffix.slice(1))) : 0;
  if (Math.abs(tens) > MAX_DIGITS) return undefined;

  const all = `${whole}${fraction}`;
  const digits = all.slice(leadingZeros(all));
  if (digits === '') return 0n;
  const integerDigits = digits.length - fraction.length + tens;
  if (integerDigits > MAX_DIGITS) return undefined;
  const kept = Math.max(0, integerDigits + DECIMALS);
  // A digit beyond the last that counts says only whether there is a rest.
  const counted = kept < digits.length ? `${digits.slice(0, kept)}1` : digits;
  const power = integerDigits - counted.length + 9;
  const numerator = (BigInt(counted) << BigInt(twos ?? 0)) * 10n ** BigInt(Math.max(0, power));
  const denominator = 10n ** BigInt(Math.max(0, -power));
  const nano = (numerator + denominator - 1n) / denominator;
  const held = twos !== undefined && nano > MAX_BINARY ? MAX_BINARY : nano;
  return sign === '-' ? -held : held;
}

function leadingZeros(digits: string): number {
  let count = 0;
  while (digits.charCodeAt(count) === 0x30) count++;
  return count;
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
