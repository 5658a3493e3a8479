import { parseNano } from '../../../kube/index.ts';

const NANO = 1_000_000_000n;
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/**
 * The canonical text of a quantity (resource.Quantity.CanonicalizeBytes): no fraction, the largest suffix of its own
 * family, binary values under 1024 written as decimals. `undefined` when the text is no quantity.
 */
export function canonicalQuantity(text: string | number): string | undefined {
  const nano = parseNano(text);
  if (nano === undefined) return undefined;
  if (nano === 0n) return '0';
  const form = String(text);
  const small = nano > -1024n * NANO && nano < 1024n * NANO;
  if (form.endsWith('i') && !small) return binary(ceil(nano));
  return decimal(nano, /[eE][+-]?\d+$/.test(form));
}

function ceil(nano: bigint): bigint {
  const whole = nano / NANO;
  const rest = nano % NANO;
  return rest === 0n ? whole : rest > 0n ? whole + 1n : whole - 1n;
}

function binary(value: bigint): string {
  let unit = 0;
  while (unit < BINARY.length - 1 && value % 1024n === 0n) {
    value /= 1024n;
    unit++;
  }
  return `${value}${BINARY[unit]}`;
}

function decimal(value: bigint, exponent: boolean): string {
  let unit = 0;
  while (unit < DECIMAL.length - 1 && value % 1000n === 0n) {
    value /= 1000n;
    unit++;
  }
  const power = (unit - 3) * 3;
  if (exponent) return power === 0 ? `${value}` : `${value}e${power}`;
  return `${value}${DECIMAL[unit]}`;
}
