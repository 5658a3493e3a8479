import type { Node } from '../syntax.ts';
import { BOOL, DYN, INT, type Type } from '../types.ts';
import { type Estimate, type Estimator, type Locals, listOf, literalOf } from './part.ts';
import { exactly, LIST_CREATION, MAP_CREATION, product, UNKNOWN } from './size.ts';

// A macro is a loop to cel-go: something accumulates, item by item. What each part of that loop is follows its
// expansions (parser/macro.go, ext/comprehensions.go, ext/lists.go, cel/library.go).

/** One part of a loop: what `accumulated` costs to name, and the macro's own expressions. */
interface Loop {
  readonly start: (type: Type) => Estimate;
  readonly goesOn: (on: Estimator, accumulated: Estimate) => Estimate;
  readonly step: (on: Estimator, accumulated: Estimate, body: Estimate, test?: Estimate) => Estimate;
  readonly result: (on: Estimator, accumulated: Estimate) => Estimate;
}

type Macro = Loop | 'sortBy' | 'optMap' | 'optFlatMap';

const itself = (_: Estimator, accumulated: Estimate): Estimate => accumulated;
const always = (): Estimate => literalOf(true, BOOL);
const list = (type: Type): Estimate => listOf([], type);
const map = (type: Type): Estimate => ({
  cost: MAP_CREATION,
  type,
  path: [],
  size: exactly(0),
  entries: { container: 'map', key: exactly(0), value: exactly(0) },
});
const one = literalOf(1n, INT);

/** `test` decides whether `step` is taken. */
const onlyIf = (on: Estimator, test: Estimate | undefined, step: Estimate, otherwise: Estimate): Estimate =>
  test ? on.called('_?_:_', undefined, [test, step, otherwise], step.type) : step;

const quantifier = (isAll: boolean): Loop => ({
  start: () => literalOf(isAll, BOOL),
  goesOn: (on, accumulated) => {
    const continues = isAll ? accumulated : on.called('!_', undefined, [accumulated], BOOL);
    return on.called('@not_strictly_false', undefined, [continues], BOOL);
  },
  step: (on, accumulated, body) => on.called(isAll ? '_&&_' : '_||_', undefined, [accumulated, body], BOOL),
  result: itself,
});

const existsOne: Loop = {
  start: () => literalOf(0n, INT),
  goesOn: always,
  step: (on, accumulated, body) =>
    onlyIf(on, body, on.called('_+_', undefined, [accumulated, one], INT), accumulated),
  result: (on, accumulated) => on.called('_==_', undefined, [accumulated, one], BOOL),
};

const mapping: Loop = {
  start: list,
  goesOn: always,
  step: (on, accumulated, body, test) => {
    const added = on.called(
      '_+_',
      undefined,
      [accumulated, listOf([body], accumulated.type)],
      accumulated.type,
    );
    return onlyIf(on, test, added, accumulated);
  },
  result: itself,
};

const inserting = (isEntry: boolean): Loop => ({
  start: map,
  goesOn: always,
  step: (on, accumulated, body, test) => {
    const key: Estimate = { ...one, cost: 1 };
    const args = isEntry ? [accumulated, body] : [accumulated, key, body];
    return onlyIf(on, test, on.called('cel.@mapInsert', undefined, args, accumulated.type), accumulated);
  },
  result: itself,
});

const MACROS: Readonly<Record<string, Macro>> = {
  all: quantifier(true),
  exists: quantifier(false),
  exists_one: existsOne,
  existsOne,
  map: mapping,
  filter: mapping,
  transformList: mapping,
  transformMap: inserting(false),
  transformMapEntry: inserting(true),
  sortBy: 'sortBy',
  optMap: 'optMap',
  optFlatMap: 'optFlatMap',
};

export function macroOf({ name, target }: Node & { kind: 'call' }): Macro | undefined {
  return target && Object.hasOwn(MACROS, name) ? MACROS[name] : undefined;
}

export function comprehend(
  on: Estimator,
  macro: Macro,
  node: Node & { kind: 'call' },
  type: Type,
  locals: Locals,
): Estimate {
  const target = on.estimate(node.target!, locals);
  if (macro === 'sortBy') return sorted(on, node, target, type, locals);
  if (macro === 'optMap' || macro === 'optFlatMap')
    return mapped(on, macro === 'optMap', node, target, type, locals);
  const isTransform = node.name.startsWith('transform');
  const count = isTransform || (node.args.length === 3 && node.name !== 'map') ? 2 : 1;
  const inner = loopLocals(target, node.args.slice(0, count), locals);
  const rest = node.args.slice(count);
  if (node.name === 'filter') {
    const item = on.estimate(node.args[0]!, inner);
    return loop(on, macro, target, type, item, on.estimate(rest[0]!, inner));
  }
  const test = rest.length === 2 ? on.estimate(rest[0]!, inner) : undefined;
  return loop(on, macro, target, type, on.estimate(rest.at(-1)!, inner), test);
}

function loop(
  on: Estimator,
  { start, goesOn, step, result }: Loop,
  range: Estimate,
  type: Type,
  body: Estimate,
  test?: Estimate,
): Estimate {
  const first = start(type);
  const accumulated = on.part(
    { cost: 1, type: first.type, path: first.path, entries: first.entries },
    first.size,
  );
  const taken = step(on, accumulated, body, test);
  const perItem = taken.cost + goesOn(on, accumulated).cost;
  const count = range.size ?? UNKNOWN;
  const cost = range.cost + first.cost + result(on, accumulated).cost + product(count.max, perItem);
  const collects = first.entries !== undefined;
  return on.part({
    cost,
    type,
    size: collects ? count : first.size,
    entries: collects ? taken.entries : undefined,
  });
}

/** The macro's variables: an item or a key, or a position or key and its value. */
function loopLocals(range: Estimate, names: readonly Node[], locals: Locals): Locals {
  const isList = (range.entries?.container ?? range.type.kind) === 'list';
  const key = { path: [...range.path, isList ? '@indices' : '@keys'], size: range.entries?.key };
  const value = { path: [...range.path, isList ? '@items' : '@values'], size: range.entries?.value };
  const bound = names.length === 2 ? [key, value] : [isList ? value : key];
  const added = names.flatMap((node, index) =>
    node.kind === 'name' ? [[node.name, { ...bound[index]!, entries: undefined }] as const] : [],
  );
  return new Map([...locals, ...added]);
}

/** The list is bound to a name, mapped to its keys, and sorted by them. */
function sorted(
  on: Estimator,
  { args }: Node & { kind: 'call' },
  target: Estimate,
  type: Type,
  locals: Locals,
): Estimate {
  const input = on.part(
    { cost: 1, type: target.type, path: target.path, entries: target.entries },
    target.size,
  );
  const body = on.estimate(args[1]!, loopLocals(input, args.slice(0, 1), locals));
  const keys = loop(on, mapping, input, { kind: 'list', of: body.type }, body);
  const call = on.called('@sortByAssociatedKeys', input, [keys], type);
  return { ...call, cost: LIST_CREATION + target.cost + call.cost };
}

/** target.hasValue() ? optional.of(body with target.value()) : optional.none() */
function mapped(
  on: Estimator,
  wraps: boolean,
  { args }: Node & { kind: 'call' },
  target: Estimate,
  type: Type,
  locals: Locals,
): Estimate {
  const inner = target.type.kind === 'optional' ? target.type.of : DYN;
  const value = on.called('value', target, [], inner);
  const [variable, expression] = args;
  const name = variable?.kind === 'name' ? variable.name : '';
  const body = on.estimate(expression!, new Map([...locals, [name, value]]));
  const bound = { ...body, cost: LIST_CREATION + value.cost + body.cost };
  const yes = wraps ? on.called('optional.of', undefined, [bound], type) : bound;
  const no = on.called('optional.none', undefined, [], type);
  return on.called('_?_:_', undefined, [on.called('hasValue', target, [], BOOL), yes, no], type);
}
