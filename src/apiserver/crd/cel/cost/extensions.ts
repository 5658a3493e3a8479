import type { Call, CallCost, Estimate } from './part.ts';
import {
  exactly,
  LIST_CREATION,
  PER_CHARACTER,
  PER_REGEX_CHARACTER,
  plus,
  product,
  regexCost,
  type Size,
  scaled,
  sizeOf,
  times,
  UNKNOWN,
} from './size.ts';

// What the extensions cost: apiserver pkg/cel/library/cost.go, and cel-go's ext/sets.go and ext/lists.go.

const MAX_FORMAT_NAME = 64;
const MAX_FORMAT_REGEX = 128;
/** Of an address: four bytes or sixteen. */
const ADDRESS: Size = { min: 4, max: 16 };

type Costing = (call: Call) => CallCost | undefined;

const each = (costing: Costing, ...names: string[]): [string, Costing][] =>
  names.map((name) => [name, costing]);

const constant: Costing = () => ({ cost: 1 });
/** An argument is parsed. */
const parsing: Costing = ({ args }) => ({ cost: scaled(sizeOf(args[0]), PER_CHARACTER) });
/** The target is read, and the result is no longer. */
const reading: Costing = ({ target }) => ({
  cost: scaled(sizeOf(target), PER_CHARACTER),
  size: sizeOf(target),
});

/** Every item is looked at; texts are read. */
const goingThrough: Costing = ({ target }) => {
  if (!target) return undefined;
  if (target.type.kind !== 'list') return { cost: scaled(sizeOf(target), PER_CHARACTER) };
  const { kind } = target.type.of;
  const isText = kind === 'string' || kind === 'bytes';
  const perItem = 1 + (isText ? scaled(itemSize(target), PER_CHARACTER) : 0);
  return { cost: product(sizeOf(target).max, perItem) };
};
const itemSize = ({ itemSize: size }: Estimate): Size => size ?? UNKNOWN;

const replacing: Costing = ({ target, args: [old, by] }) => {
  const text = sizeOf(target);
  const [from, to] = [sizeOf(old), sizeOf(by)];
  // The longest result: the most replacements by the longest text. An empty one is found around each character.
  const most =
    from.min === 0
      ? { count: text.max + 1, kept: text.max }
      : to.max <= from.min
        ? { count: 0, kept: text.max }
        : { count: Math.ceil(text.max / from.min), kept: 0 };
  const least =
    from.max === 0
      ? { count: text.min + 1, kept: text.min }
      : from.max <= to.min
        ? { count: 0, kept: text.min }
        : { count: Math.ceil(text.min / from.max), kept: 0 };
  const size = {
    min: product(least.count, to.min) + least.kept,
    max: product(most.count, to.max) + most.kept,
  };
  return { cost: scaled(text, 2 * PER_CHARACTER), size };
};

const splitting: Costing = ({ target, args }) => {
  const limit = args[1]?.literal;
  const most = typeof limit === 'bigint' && limit >= 0n ? Number(limit) : sizeOf(target).max;
  return { cost: scaled(sizeOf(target), 2 * PER_CHARACTER), size: { min: 0, max: most } };
};

const joining: Costing = ({ target, args }) => {
  if (!target) return undefined;
  const count = sizeOf(target);
  const items = times(count, itemSize(target));
  const separators = { min: Math.max(0, count.min - 1), max: Math.max(0, count.max - 1) };
  const size = args[0] ? plus(items, times(sizeOf(args[0]), separators)) : items;
  return { cost: scaled(size, PER_CHARACTER), size };
};

const finding: Costing = ({ target, args }) => {
  return { cost: regexCost(target, args[0]), size: { min: 0, max: sizeOf(target).max } };
};

const containing =
  (isNetwork: boolean): Costing =>
  ({ args }) => {
    const compared = scaled({ max: 2 * ADDRESS.max }, PER_CHARACTER);
    const masked = isNetwork ? scaled(ADDRESS, PER_CHARACTER) + 1 : 0;
    const parsed = args[0]?.type.kind === 'string' ? scaled(sizeOf(args[0]), PER_CHARACTER) : 0;
    return { cost: compared + masked + parsed };
  };

/** Values that are compared at a stroke. */
const comparing: Costing = ({ args: [left, right] }) => {
  const [a, b] = [left?.type, right?.type];
  if (a?.kind !== 'opaque' || b?.kind !== 'opaque' || a.name !== b.name) return undefined;
  switch (a.name) {
    case 'kubernetes.NamedFormat':
      return { cost: scaled({ max: MAX_FORMAT_NAME }, PER_CHARACTER) };
    case 'kubernetes.URL':
      return { cost: scaled(right?.size ?? exactly(1), PER_CHARACTER) };
    default:
      return { cost: 1 };
  }
};

const ofSets =
  (factor: number): Costing =>
  ({ args: [left, right] }) => ({ cost: scaled(times(sizeOf(left), sizeOf(right)), factor) + 1 });

const newList = (factor: number, size: Size): CallCost => ({
  cost: scaled(size, factor) + 1 + LIST_CREATION,
  size,
});
const literalInt = (part: Estimate | undefined, otherwise: number): number =>
  typeof part?.literal === 'bigint' ? Number(part.literal) : otherwise;

/** Every item is compared with every other, and so are the characters of texts. */
const sorting = (keys: Estimate | undefined): CallCost => {
  const kind = keys?.type.kind === 'list' ? keys.type.of.kind : 'dyn';
  const factor = kind === 'string' || kind === 'bytes' || kind === 'dyn' ? 2 + PER_CHARACTER : 2;
  return newList(factor, times(sizeOf(keys), sizeOf(keys)));
};

export const EXTENSIONS: ReadonlyMap<string, Costing> = new Map<string, Costing>([
  ...each(goingThrough, 'isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'),
  ...each(reading, 'lowerAscii', 'upperAscii', 'substring', 'trim'),
  ['url', (call) => ({ ...parsing(call)!, size: sizeOf(call.args[0]) })],
  ['replace', replacing],
  ['split', splitting],
  ['join', joining],
  ...each(finding, 'find', 'findAll'),
  ...each(parsing, 'cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'),
  ['ip', (call) => (call.args.length > 0 ? parsing(call) : { cost: 1 })],
  ['ip.isCanonical', ({ args }) => ({ cost: scaled(sizeOf(args[0]), 2 * PER_CHARACTER) })],
  ...each(constant, 'masked', 'prefixLength', 'family', 'isUnspecified', 'isLoopback', 'format.named'),
  ...each(constant, 'isLinkLocalMulticast', 'isLinkLocalUnicast', 'isGlobalUnicast'),
  ...each(constant, 'sign', 'asInteger', 'isInteger', 'asApproximateFloat', 'isGreaterThan', 'isLessThan'),
  ...each(constant, 'compareTo', 'add', 'sub', 'major', 'minor', 'patch'),
  ...each(constant, 'getScheme', 'getHostname', 'getHost', 'getPort', 'getEscapedPath', 'getQuery'),
  ['containsIP', containing(false)],
  ['containsCIDR', containing(true)],
  [
    'validate',
    ({ args }) => {
      const read = scaled(sizeOf(args[0]), PER_CHARACTER);
      return { cost: scaled({ max: read }, MAX_FORMAT_REGEX * PER_REGEX_CHARACTER) };
    },
  ],
  ['_==_', comparing],
  ...each(ofSets(1), 'sets.contains', 'sets.intersects'),
  ['sets.equivalent', ofSets(2)],
  [
    'slice',
    ({ target, args: [from, to] }) =>
      newList(1, exactly(literalInt(to, sizeOf(target).max) - literalInt(from, 0))),
  ],
  [
    'flatten',
    ({ target, args: [depth] }) =>
      newList(depth ? literalInt(depth, Number.POSITIVE_INFINITY) : 1, sizeOf(target)),
  ],
  ['lists.range', ({ args }) => newList(1, exactly(literalInt(args[0], Number.POSITIVE_INFINITY)))],
  ['reverse', ({ target }) => newList(1, sizeOf(target))],
  ['distinct', ({ target }) => newList(2, times(sizeOf(target), sizeOf(target)))],
  ['sort', ({ target }) => sorting(target)],
  ['@sortByAssociatedKeys', ({ args }) => sorting(args[0])],
]);
