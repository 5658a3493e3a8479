import { EXTENSIONS } from './extensions.ts';
import type { Call, CallCost, Estimate } from './part.ts';
import { PER_CHARACTER, plus, product, regexCost, scaled, sizeOf, union } from './size.ts';

const max = (part: Estimate | undefined): number => sizeOf(part).max;

/** The most that a call costs, with its arguments and without its target. */
export function callCost(call: Call): CallCost {
  const { name, args } = call;
  const ofArguments = args.reduce((sum, one) => sum + one.cost, 0);
  // Only one of the branches is taken.
  if (name === '_?_:_') return conditional(args);
  if (name === '_&&_' || name === '_||_') return { cost: ofArguments };
  const known = EXTENSIONS.get(name)?.(call) ?? STANDARD.get(name)?.(call) ?? { cost: 1 };
  return { ...known, cost: known.cost + ofArguments };
}

function conditional([condition, yes, no]: readonly Estimate[]): CallCost {
  const entries =
    yes!.entries && no!.entries
      ? {
          container: yes!.entries.container,
          key: union(yes!.entries.key, no!.entries.key),
          value: union(yes!.entries.value, no!.entries.value),
        }
      : undefined;
  return {
    cost: condition!.cost + Math.max(yes!.cost, no!.cost),
    size: union(sizeOf(yes), sizeOf(no)),
    entries,
  };
}

type Costing = (call: Call) => CallCost | undefined;

/** The shorter of the two is read. */
const comparison: Costing = ({ args }) => ({
  cost: scaled({ max: Math.min(max(args[0]), max(args[1])) }, PER_CHARACTER),
});

const orderComparison: Costing = (call) =>
  call.kind === 'string' || call.kind === 'bytes' ? comparison(call) : undefined;

const prefix: Costing = ({ args }) => ({ cost: scaled(sizeOf(args[0]), PER_CHARACTER) });

const concatenation: Costing = ({ kind, args: [left, right] }) => {
  if (kind !== 'string' && kind !== 'bytes' && kind !== 'list') return undefined;
  const size = plus(sizeOf(left), sizeOf(right));
  const entries =
    left?.entries && right?.entries
      ? {
          container: left.entries.container,
          key: union(left.entries.key, right.entries.key),
          value: union(left.entries.value, right.entries.value),
        }
      : undefined;
  // Lists are only linked.
  return { cost: kind === 'list' ? 1 : scaled(size, PER_CHARACTER), size, entries };
};

/** What cel-go charges for the standard functions; 1 for those that are not here (checker/cost.go, functionCost). */
const STANDARD: ReadonlyMap<string, Costing> = new Map<string, Costing>([
  ['_==_', comparison],
  ['_!=_', comparison],
  ['_<_', orderComparison],
  ['_<=_', orderComparison],
  ['_>_', orderComparison],
  ['_>=_', orderComparison],
  ['_+_', concatenation],
  ['startsWith', prefix],
  ['endsWith', prefix],
  ['@in', ({ args }) => (args[1]?.type.kind === 'map' ? undefined : { cost: scaled(sizeOf(args[1]), 1) })],
  ['matches', ({ target, args }) => (target ? { cost: regexCost(target, args[0]) } : undefined)],
  [
    'contains',
    ({ target, args }) => ({
      cost: product(scaled(sizeOf(target), PER_CHARACTER), scaled(sizeOf(args[0]), PER_CHARACTER)),
    }),
  ],
  ['format', ({ target }) => ({ cost: scaled(sizeOf(target), PER_CHARACTER) })],
  [
    'strings.quote',
    ({ args }) => {
      const { min, max: most } = sizeOf(args[0]);
      return { cost: scaled({ max: most }, PER_CHARACTER), size: { min: min + 2, max: most * 2 + 2 } };
    },
  ],
  [
    'bytes',
    ({ kind, args }) => {
      if (kind !== 'string') return undefined;
      const { min, max: most } = sizeOf(args[0]);
      return { cost: scaled({ max: most }, PER_CHARACTER), size: { min, max: most * 4 } };
    },
  ],
  [
    'string',
    ({ kind, args }) => {
      if (kind !== 'bytes') return undefined;
      const { min, max: most } = sizeOf(args[0]);
      return { cost: scaled({ max: most }, PER_CHARACTER), size: { min: Math.floor(min / 4), max: most } };
    },
  ],
]);
