import { compareQuantity, formatBytes, parseNano } from './quantity.ts';
import type { Container, Pod, ResourceList } from './types.ts';

// Arithmetic on lists of quantities. Source: apiserver quota/v1 and component-helpers resource.

const NANO = 1_000_000_000n;
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];

/** The sum; it is written in the family of the first that is not zero, as Quantity.Add does. */
export function addQuantities(a: string | undefined, b: string | undefined): string {
  const [x, y] = [parseNano(a ?? '0') ?? 0n, parseNano(b ?? '0') ?? 0n];
  return formatNano(x + y, x === 0n ? b : a);
}

export function subtractQuantities(a: string | undefined, b: string | undefined): string {
  const [x, y] = [parseNano(a ?? '0') ?? 0n, parseNano(b ?? '0') ?? 0n];
  return formatNano(x - y, x === 0n ? b : a);
}

function formatNano(nano: bigint, like: string | undefined): string {
  if (nano === 0n) return '0';
  const small = nano > -1024n * NANO && nano < 1024n * NANO;
  if (like?.endsWith('i') && !small && nano % NANO === 0n) {
    return nano < 0n ? `-${formatBytes(-nano / NANO)}` : formatBytes(nano / NANO);
  }
  let [value, unit] = [nano, 0];
  while (unit < DECIMAL.length - 1 && value % 1000n === 0n) [value, unit] = [value / 1000n, unit + 1];
  return `${value}${DECIMAL[unit]}`;
}

/** The whole number of bytes that holds the quantity, in its own family. */
export function wholeQuantity(quantity: string): string {
  const nano = parseNano(quantity) ?? 0n;
  return nano % NANO === 0n ? quantity : formatNano((nano / NANO + 1n) * NANO, quantity);
}

export function addLists(a: ResourceList, b: ResourceList): Record<string, string> {
  const sum: Record<string, string> = { ...a };
  for (const [name, quantity] of Object.entries(b)) {
    sum[name] = name in a ? addQuantities(a[name], quantity) : quantity;
  }
  return sum;
}

/** What a has more than b of each; nothing less than zero (SubtractWithNonNegativeResult). */
export function excessOf(a: ResourceList, b: ResourceList): Record<string, string> {
  return Object.fromEntries(
    Object.entries(a).map(([name, quantity]) => [
      name,
      compareQuantity(quantity, b[name]) <= 0 ? '0' : subtractQuantities(quantity, b[name]),
    ]),
  );
}

/** Only the resources of these names. */
export function maskList(list: ResourceList, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(list).filter(([name]) => names.includes(name)));
}

/** `name=quantity`, by name. */
export function listText(list: ResourceList): string {
  return Object.entries(list)
    .map(([name, quantity]) => `${name}=${quantity}`)
    .sort()
    .join(',');
}

const POD_LEVEL = (name: string) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/**
 * What the containers of a pod ask for, or may use, together. Restartable init containers run beside the others; the
 * rest run alone before them, each with the restartable ones started before it. Amounts at pod level replace the sum.
 */
export function podResourceTotals(pod: Pod, kind: 'requests' | 'limits'): Record<string, string> {
  const of = (container: Container): ResourceList => container.resources?.[kind] ?? {};
  let total: ResourceList = {};
  for (const container of pod.spec?.containers ?? []) total = addLists(total, of(container));
  let sidecars: ResourceList = {};
  let initial: ResourceList = {};
  for (const container of pod.spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      total = addLists(total, of(container));
      sidecars = addLists(sidecars, of(container));
      initial = largest(initial, sidecars);
    } else initial = largest(initial, addLists(of(container), sidecars));
  }
  const whole = largest(total, initial);
  for (const [name, quantity] of Object.entries(pod.spec?.resources?.[kind] ?? {})) {
    if (POD_LEVEL(name)) whole[name] = quantity;
  }
  return whole;
}

function largest(a: ResourceList, b: ResourceList): Record<string, string> {
  const result: Record<string, string> = { ...a };
  for (const [name, quantity] of Object.entries(b)) {
    if (!(name in result) || compareQuantity(quantity, result[name]) > 0) result[name] = quantity;
  }
  return result;
}
