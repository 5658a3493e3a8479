import { compare } from './functions/standard.ts';
import { type Compiled, noOverload, type Run, type Scope } from './scope.ts';
import { CompileError, type Node } from './syntax.ts';
import { BOOL, DYN, fits, INT, nameOfType } from './types.ts';
import { EvaluationError, Fields, List, MapFields, type Value } from './values.ts';

// The macros that go through a list or a map, as loops of their own.

/** What is gone through, and an expression that is run for each. With one variable that is an item, or a map's key. */
function comprehension(target: Node, variables: readonly Node[], expression: Node, scope: Scope) {
  const source = scope.compile(target);
  const { type } = source;
  if (type.kind !== 'list' && type.kind !== 'map' && type.kind !== 'dyn')
    throw new CompileError(
      `expression of type '${nameOfType(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      target.at,
    );
  const keyType = type.kind === 'list' ? INT : type.kind === 'map' ? type.key : DYN;
  const valueType = type.kind === 'list' || type.kind === 'map' ? type.of : DYN;
  const single = type.kind === 'map' ? keyType : valueType;
  const names = variables.map((one) => {
    if (one.kind !== 'name') throw new CompileError('argument must be a simple name', one.at);
    return one.name;
  });
  const types = names.length === 1 ? [single] : [keyType, valueType];
  const inner = scope.with(...names.map((name, position) => ({ name, type: types[position]! })));
  const slot = scope.next;
  const isPair = names.length === 2;
  const range = {
    *entries(run: Run): Generator<readonly [Value, Value]> {
      const value = source.run(run);
      if (value instanceof List) {
        for (let position = 0; position < value.size; position++) {
          run.spend(1);
          yield [BigInt(position), value.at(position)];
        }
        return;
      }
      if (!(value instanceof Fields)) throw new EvaluationError('no such overload');
      for (const key of value.keys()) {
        run.spend(1);
        yield isPair ? [key, value.get(key)!] : [key, key];
      }
    },
    bodyOf: (run: Run, body: Compiled) => (key: Value, value: Value) => {
      run.slots[slot] = isPair ? key : value;
      if (isPair) run.slots[slot + 1] = value;
      return body.run(run);
    },
  };
  return { range, body: inner.compile(expression), inner, single };
}

type Fold = (
  run: Run,
  entries: Iterable<readonly [Value, Value]>,
  body: (key: Value, value: Value) => Value,
) => Value;

const truth = (value: Value): boolean => {
  if (typeof value !== 'boolean') throw new EvaluationError('no such overload');
  return value;
};

/** Stops at the first that decides; a failure counts only when none does. */
const quantifier =
  (decisive: boolean): Fold =>
  (_, entries, body) => {
    let failure: EvaluationError | undefined;
    for (const [key, value] of entries) {
      try {
        if (truth(body(key, value)) === decisive) return decisive;
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        failure ??= error;
      }
    }
    if (failure) throw failure;
    return !decisive;
  };

const existsOne: Fold = (_, entries, body) => {
  let found = 0;
  for (const [key, value] of entries) if (truth(body(key, value))) found++;
  return found === 1;
};

export const QUANTIFIERS: ReadonlyMap<string, Fold> = new Map([
  ['all', quantifier(false)],
  ['exists', quantifier(true)],
  ['exists_one', existsOne],
  ['existsOne', existsOne],
]);

export function quantify(node: Node & { kind: 'call' }, target: Node, scope: Scope): Compiled {
  const { name, args } = node;
  const fold = QUANTIFIERS.get(name)!;
  const { range, body } = comprehension(target, args.slice(0, -1), args.at(-1)!, scope);
  if (!fits(BOOL, body.type, new Map())) throw noOverload({ ...node, name: '_&&_' }, [body]);
  return { type: BOOL, run: (run) => fold(run, range.entries(run), range.bodyOf(run, body)) };
}

const COMPARABLE = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'duration',
  'timestamp',
  'string',
  'bytes',
  'dyn',
]);

/** The list in the order of what its items are mapped to. */
export function sortBy(node: Node & { kind: 'call' }, target: Node, scope: Scope): Compiled {
  const [variable, key] = node.args;
  const { range, body, single } = comprehension(target, [variable!], key!, scope);
  if (!COMPARABLE.has(body.type.kind)) throw noOverload({ ...node, name: '@sortByAssociatedKeys' }, [body]);
  return {
    type: { kind: 'list', of: single },
    run: (run) => {
      const keyOf = range.bodyOf(run, body);
      const keyed = [...range.entries(run)].map(([at, value]) => [keyOf(at, value), value] as const);
      run.spend(sortCost(keyed.map(([one]) => one)));
      return List.of(keyed.sort(([a], [b]) => compare(a, b)).map(([, value]) => value));
    },
  };
}

/** What cel-go charges for sorting: every item is compared with every other. */
function sortCost(keys: readonly Value[]): number {
  const perItem = typeof keys[0] === 'string' || keys[0] instanceof Uint8Array ? 2.1 : 2;
  return Math.floor(keys.length ** 2 * perItem) + 11;
}

export function mapOrFilter({ name, args }: Node & { kind: 'call' }, target: Node, scope: Scope): Compiled {
  const [variable, second, third] = args;
  const isMap = name === 'map';
  const condition = isMap ? third && second : second;
  const { range, body, inner, single } = comprehension(
    target,
    [variable!],
    isMap ? (third ?? second!) : second!,
    scope,
  );
  const test = condition && (isMap ? inner.compile(condition) : body);
  return {
    type: { kind: 'list', of: isMap ? body.type : single },
    run: (run) => {
      const results: Value[] = [];
      const passes = test && range.bodyOf(run, test);
      const result = range.bodyOf(run, body);
      for (const [key, value] of range.entries(run)) {
        if (passes && !truth(passes(key, value))) continue;
        results.push(isMap ? result(key, value) : value);
      }
      return List.of(results);
    },
  };
}

export function transform({ name, args }: Node & { kind: 'call' }, target: Node, scope: Scope): Compiled {
  const [key, value, ...rest] = args;
  const { range, body, inner } = comprehension(target, [key!, value!], rest.at(-1)!, scope);
  const test = rest.length === 2 ? inner.compile(rest[0]!) : undefined;
  const isList = name === 'transformList';
  return {
    type: isList
      ? { kind: 'list', of: body.type }
      : { kind: 'map', key: DYN, of: name === 'transformMap' ? body.type : DYN },
    run: (run) => {
      const results: (readonly [Value, Value])[] = [];
      const passes = test && range.bodyOf(run, test);
      const result = range.bodyOf(run, body);
      for (const [k, v] of range.entries(run))
        if (!passes || truth(passes(k, v))) results.push([k, result(k, v)]);
      if (isList) return List.of(results.map(([, one]) => one));
      if (name === 'transformMap') return new MapFields(results);
      return new MapFields(
        results.flatMap(([, one]) =>
          one instanceof Fields ? one.keys().map((k) => [k, one.get(k)!] as const) : [],
        ),
      );
    },
  };
}
