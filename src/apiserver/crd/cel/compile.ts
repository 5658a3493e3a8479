import { findOverload, namespaceOf, overloadsOf } from './functions/index.ts';
import { CompileError, type Node, parse } from './syntax.ts';
import {
  BOOL,
  BYTES,
  DOUBLE,
  DYN,
  fieldSchema,
  filled,
  fits,
  INT,
  nameOfType,
  STRING,
  type Type,
  typeOfSchema,
} from './types.ts';
import {
  BudgetError,
  EvaluationError,
  Fields,
  List,
  MapFields,
  Optional,
  Uint,
  type Value,
} from './values.ts';

/** One evaluation: its variables, and what it may still cost. */
export class Run {
  readonly slots: Value[];
  #left: number;

  constructor(slots: Value[], budget: number) {
    this.slots = slots;
    this.#left = budget;
  }

  /** What may still be spent. */
  get left(): number {
    return this.#left;
  }

  spend(cost: number): void {
    this.#left -= cost;
    if (this.#left < 0) throw new BudgetError('operation cancelled: actual cost limit exceeded');
  }
}

/** An expression that fits its types, ready to run. */
export interface Compiled {
  readonly type: Type;
  /** @throws EvaluationError, BudgetError */
  run(run: Run): Value;
}

export interface Variable {
  readonly name: string;
  readonly type: Type;
}

/** The variables that an expression sees; each has a slot of a Run. */
class Scope {
  readonly #variables: readonly (Variable & { readonly slot: number })[];
  readonly used: Set<string>;
  readonly next: number;

  constructor(variables: readonly (Variable & { readonly slot: number })[], next: number, used: Set<string>) {
    this.#variables = variables;
    this.next = next;
    this.used = used;
  }

  find(name: string) {
    const found = this.#variables.findLast((one) => one.name === name);
    if (found) this.used.add(name);
    return found;
  }

  with(...variables: readonly Variable[]): Scope {
    const added = variables.map((one, index) => ({ ...one, slot: this.next + index }));
    return new Scope([...this.#variables, ...added], this.next + variables.length, this.used);
  }
}

export interface Program extends Compiled {
  /** Which of the variables it reads. */
  readonly uses: ReadonlySet<string>;
}

/** @throws CompileError */
export function compile(source: string, variables: readonly Variable[]): Program {
  const used = new Set<string>();
  const scope = new Scope([], 0, used).with(...variables);
  return { ...compileNode(parse(source), scope), uses: used };
}

function compileNode(node: Node, scope: Scope): Compiled {
  switch (node.kind) {
    case 'literal': {
      const { type, value } = node.value;
      const constant: Value = type === 'uint' ? new Uint(value) : value;
      if (type === 'int' && (value > MAX_INT || value < MIN_INT))
        throw new CompileError('Syntax error: invalid int literal', node.at);
      const kind: Type =
        type === 'int'
          ? INT
          : type === 'double'
            ? DOUBLE
            : type === 'string'
              ? STRING
              : type === 'bytes'
                ? BYTES
                : { kind: type };
      return { type: kind, run: () => constant };
    }
    case 'name': {
      const found = scope.find(node.name);
      if (!found) throw new CompileError(`undeclared reference to '${node.name}' (in container '')`, node.at);
      const { slot, type } = found;
      return {
        type,
        run: (run) => {
          run.spend(1);
          return run.slots[slot]!;
        },
      };
    }
    case 'select':
      return select(node, scope);
    case 'index':
      return index(node, scope);
    case 'list':
      return list(node, scope);
    case 'map':
      return map(node, scope);
    case 'call':
      return call(node, scope);
  }
}

const MAX_INT = 2n ** 63n - 1n;
const MIN_INT = -(2n ** 63n);
const KEYWORDS = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return'.split(
    ' ',
  ),
);

/** The name of a field as objects have it: what expressions cannot write is escaped in them. */
export function unescapeField(name: string): string {
  const word = /^__(\w+)__$/.exec(name)?.[1];
  if (word !== undefined && KEYWORDS.has(word)) return word;
  return name.replace(/__(underscores|dot|dash|slash)__/g, (_, what: string) =>
    what === 'dot' ? '.' : what === 'dash' ? '-' : what === 'slash' ? '/' : '__',
  );
}

interface Access {
  readonly type: Type;
  read(value: Value): Value | undefined;
}

/** How a field of a type is read. */
function fieldAccess(type: Type, field: string, at: number): Access {
  switch (type.kind) {
    case 'object': {
      const name = unescapeField(field);
      const schema = fieldSchema(type.schema, name);
      const inner = schema && typeOfSchema(schema);
      if (!inner) throw new CompileError(`undefined field '${field}'`, at);
      return { type: inner, read: (value) => fieldsOf(value, name).get(name) };
    }
    case 'map':
      return { type: type.of, read: (value) => fieldsOf(value, field).get(field) };
    case 'dyn':
      return { type: DYN, read: (value) => fieldsOf(value, field).get(field) };
    default:
      throw new CompileError(`type '${nameOfType(type)}' does not support field selection`, at);
  }
}

function fieldsOf(value: Value, field: string): Fields {
  if (value instanceof Fields) return value;
  throw new EvaluationError(`no such key: ${field}`);
}

function select(node: Node & { kind: 'select' }, scope: Scope): Compiled {
  const of = compileNode(node.of, scope);
  const isOptional = node.optional || of.type.kind === 'optional';
  const inner = of.type.kind === 'optional' ? of.type.of : of.type;
  const access = fieldAccess(inner, node.field, node.at);
  if (isOptional) {
    return {
      type: { kind: 'optional', of: access.type },
      run: (run) => {
        const target = unwrapped(of.run(run));
        const value = target === undefined || target === null ? undefined : access.read(target);
        return new Optional(value === null ? undefined : value);
      },
    };
  }
  return {
    type: access.type,
    run: (run) => {
      run.spend(1);
      const value = access.read(of.run(run));
      if (value === undefined) throw new EvaluationError(`no such key: ${unescapeField(node.field)}`);
      return value;
    },
  };
}

const unwrapped = (value: Value): Value | undefined => (value instanceof Optional ? value.value : value);

function index(node: Node & { kind: 'index' }, scope: Scope): Compiled {
  const of = compileNode(node.of, scope);
  const key = compileNode(node.key, scope);
  const isOptional = node.optional || of.type.kind === 'optional';
  const inner = of.type.kind === 'optional' ? of.type.of : of.type;
  const isIndexable =
    inner.kind === 'dyn' ||
    (inner.kind === 'list' && fits(INT, key.type, new Map())) ||
    (inner.kind === 'map' && fits(inner.key, key.type, new Map()));
  if (!isIndexable)
    throw new CompileError(
      `found no matching overload for '_[_]' applied to '(${nameOfType(inner)}, ${nameOfType(key.type)})'`,
      node.at,
    );
  const type = inner.kind === 'list' || inner.kind === 'map' ? inner.of : DYN;
  if (isOptional)
    return {
      type: { kind: 'optional', of: type },
      run: (run) => {
        const target = unwrapped(of.run(run));
        return new Optional(target === undefined ? undefined : at(target, key.run(run)));
      },
    };
  return {
    type,
    run: (run) => {
      run.spend(1);
      const where = key.run(run);
      const target = of.run(run);
      const value = at(target, where);
      if (value !== undefined) return value;
      if (target instanceof List) throw new EvaluationError(`index out of bounds: ${String(where)}`);
      throw new EvaluationError(`no such key: ${String(where)}`);
    },
  };
}

function at(target: Value, key: Value): Value | undefined {
  if (target instanceof Fields) return target.get(key);
  if (!(target instanceof List)) throw new EvaluationError('no such overload');
  const position = Number(key instanceof Uint ? key.value : key);
  return Number.isInteger(position) && position >= 0 && position < target.size
    ? target.at(position)
    : undefined;
}

/** The one type that all have; dyn when they differ. */
function joined(types: readonly Type[]): Type {
  const [first, ...rest] = types;
  return first && rest.every((one) => nameOfType(one) === nameOfType(first)) ? first : DYN;
}

function list({ items }: Node & { kind: 'list' }, scope: Scope): Compiled {
  const compiled = items.map(({ value, optional }) => ({ ...compileNode(value, scope), optional }));
  const types = compiled.map(({ type, optional }) => (optional && type.kind === 'optional' ? type.of : type));
  return {
    type: { kind: 'list', of: joined(types) },
    run: (run) => {
      run.spend(10);
      return List.of(
        compiled.flatMap(({ run: item, optional }) => {
          const value = item(run);
          if (!optional) return [value];
          const inner = unwrapped(value);
          return inner === undefined ? [] : [inner];
        }),
      );
    },
  };
}

function map({ entries }: Node & { kind: 'map' }, scope: Scope): Compiled {
  const compiled = entries.map((one) => ({
    optional: one.optional,
    key: compileNode(one.key, scope),
    value: compileNode(one.value, scope),
  }));
  const types = compiled.map(({ value: { type }, optional }) =>
    optional && type.kind === 'optional' ? type.of : type,
  );
  return {
    type: { kind: 'map', key: joined(compiled.map(({ key }) => key.type)), of: joined(types) },
    run: (run) => {
      run.spend(30);
      return new MapFields(
        compiled.flatMap(({ key, value, optional }) => {
          const given = value.run(run);
          const inner = optional ? unwrapped(given) : given;
          return inner === undefined ? [] : [[key.run(run), inner] as const];
        }),
      );
    },
  };
}

function call(node: Node & { kind: 'call' }, scope: Scope): Compiled {
  switch (node.name) {
    case '_&&_':
    case '_||_':
      return logic(node, scope);
    case '_?_:_':
      return conditional(node, scope);
  }
  return macro(node, scope) ?? functionCall(node, scope);
}

/** Either side may decide alone, even when the other fails. */
function logic(node: Node & { kind: 'call' }, scope: Scope): Compiled {
  const [left, right] = node.args.map((one) => compileNode(one, scope)) as [Compiled, Compiled];
  if (!fits(BOOL, left.type, new Map()) || !fits(BOOL, right.type, new Map()))
    throw noOverload(node, [left, right]);
  const decisive = node.name === '_||_';
  return {
    type: BOOL,
    run: (run) => {
      let failure: unknown;
      for (const side of [left, right]) {
        try {
          const value = side.run(run);
          if (value === decisive) return decisive;
          if (typeof value !== 'boolean') failure ??= new EvaluationError('no such overload');
        } catch (error) {
          if (!(error instanceof EvaluationError)) throw error;
          failure ??= error;
        }
      }
      if (failure !== undefined) throw failure;
      return !decisive;
    },
  };
}

function conditional(node: Node & { kind: 'call' }, scope: Scope): Compiled {
  const [condition, yes, no] = node.args.map((one) => compileNode(one, scope)) as [
    Compiled,
    Compiled,
    Compiled,
  ];
  if (!fits(BOOL, condition.type, new Map())) throw noOverload(node, [condition, yes, no]);
  const bound = new Map<string, Type>();
  if (
    !fits({ kind: 'param', name: 'A' }, yes.type, bound) ||
    !fits({ kind: 'param', name: 'A' }, no.type, bound)
  )
    throw noOverload(node, [condition, yes, no]);
  return {
    type: joined([yes.type, no.type]),
    run: (run) => {
      const value = condition.run(run);
      if (typeof value !== 'boolean') throw new EvaluationError('no such overload');
      return (value ? yes : no).run(run);
    },
  };
}

function noOverload(
  node: Node & { kind: 'call' },
  args: readonly Compiled[],
  target?: Compiled,
): CompileError {
  const types = `(${args.map(({ type }) => nameOfType(type)).join(', ')})`;
  const applied = target ? `${nameOfType(target.type)}.${types}` : types;
  return new CompileError(`found no matching overload for '${node.name}' applied to '${applied}'`, node.at);
}

function functionCall(node: Node & { kind: 'call' }, scope: Scope): Compiled {
  const namespace =
    node.target?.kind === 'name' && !scope.find(node.target.name) ? node.target.name : undefined;
  const name = namespace !== undefined && namespaceOf(namespace) ? `${namespace}.${node.name}` : node.name;
  const target = node.target && name === node.name ? compileNode(node.target, scope) : undefined;
  const args = node.args.map((one) => compileNode(one, scope));
  const all = target ? [target, ...args] : args;
  const named = overloadsOf(name, target !== undefined);
  if (named.length === 0)
    throw new CompileError(`undeclared reference to '${name}' (in container '')`, node.at);
  const fitting = named.flatMap((overload) => {
    const bound = new Map<string, Type>();
    const matches =
      overload.args.length === all.length &&
      overload.args.every((type, position) => fits(type, all[position]!.type, bound));
    return matches ? [{ overload, result: filled(overload.result, bound) }] : [];
  });
  if (fitting.length === 0) throw noOverload({ ...node, name }, args, target);
  const candidates = fitting.map(({ overload }) => overload);
  return {
    type: joined(fitting.map(({ result }) => result)),
    run: (run) => {
      const values = all.map((one) => one.run(run));
      const overload = findOverload(candidates, values);
      if (!overload) throw new EvaluationError('no such overload');
      run.spend(1 + costOf(values));
      return overload.call(...values);
    },
  };
}

/** Work grows with the texts and lists that a function reads. */
function costOf(values: readonly Value[]): number {
  let cost = 0;
  for (const value of values) {
    if (typeof value === 'string') cost += value.length / 10;
    else if (value instanceof List) cost += value.size / 2;
  }
  return Math.ceil(cost);
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

const QUANTIFIERS: Readonly<Record<string, Fold>> = {
  all: quantifier(false),
  exists: quantifier(true),
  exists_one: existsOne,
  existsOne,
};

function macro(node: Node & { kind: 'call' }, scope: Scope): Compiled | undefined {
  const { name, target, args } = node;
  if (name === 'has' && !target && args.length === 1) return has(args[0]!, scope);
  if (!target) return undefined;
  if (name === 'bind' && target.kind === 'name' && target.name === 'cel' && args.length === 3)
    return bind(args, scope);
  if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2) return optMap(node, target, scope);
  const fold = Object.hasOwn(QUANTIFIERS, name) ? QUANTIFIERS[name] : undefined;
  if (fold && (args.length === 2 || args.length === 3)) {
    const { range, body } = comprehension(target, args.slice(0, -1), args.at(-1)!, scope);
    if (!fits(BOOL, body.type, new Map())) throw noOverload({ ...node, name: '_&&_' }, [body]);
    return { type: BOOL, run: (run) => fold(run, range.entries(run), range.bodyOf(run, body)) };
  }
  if (
    (name === 'map' && (args.length === 2 || args.length === 3)) ||
    (name === 'filter' && args.length === 2)
  )
    return mapOrFilter(node, target, scope);
  if (/^transform(List|Map|MapEntry)$/.test(name) && (args.length === 3 || args.length === 4))
    return transform(node, target, scope);
  return undefined;
}

function has(operand: Node, scope: Scope): Compiled {
  if (operand.kind !== 'select') throw new CompileError('invalid argument to has() macro', operand.at);
  const of = compileNode(operand.of, scope);
  const inner = of.type.kind === 'optional' ? of.type.of : of.type;
  const access = fieldAccess(inner, operand.field, operand.at);
  return {
    type: BOOL,
    run: (run) => {
      run.spend(1);
      const value = unwrapped(of.run(run));
      return value !== undefined && value !== null && access.read(value) !== undefined;
    },
  };
}

function bind([name, value, body]: readonly Node[], scope: Scope): Compiled {
  if (name!.kind !== 'name')
    throw new CompileError('cel.bind() variable names must be simple identifiers', name!.at);
  const bound = compileNode(value!, scope);
  const inner = compileNode(body!, scope.with({ name: name!.name, type: bound.type }));
  const slot = scope.next;
  return {
    type: inner.type,
    run: (run) => {
      run.slots[slot] = bound.run(run);
      return inner.run(run);
    },
  };
}

function optMap(node: Node & { kind: 'call' }, target: Node, scope: Scope): Compiled {
  const [variable, body] = node.args;
  if (variable!.kind !== 'name')
    throw new CompileError(`${node.name}() variable name must be a simple identifier`, variable!.at);
  const of = compileNode(target, scope);
  const type = of.type.kind === 'optional' ? of.type.of : DYN;
  const inner = compileNode(body!, scope.with({ name: variable!.name, type }));
  const slot = scope.next;
  const isFlat = node.name === 'optFlatMap';
  return {
    type: isFlat ? inner.type : { kind: 'optional', of: inner.type },
    run: (run) => {
      const value = of.run(run);
      if (!(value instanceof Optional)) throw new EvaluationError('no such overload');
      if (value.value === undefined) return value;
      run.slots[slot] = value.value;
      const result = inner.run(run);
      return isFlat ? result : new Optional(result);
    },
  };
}

/** What is gone through, and an expression that is run for each. With one variable that is an item, or a map's key. */
function comprehension(target: Node, variables: readonly Node[], expression: Node, scope: Scope) {
  const source = compileNode(target, scope);
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
  return { range, body: compileNode(expression, inner), inner, single };
}

function mapOrFilter({ name, args }: Node & { kind: 'call' }, target: Node, scope: Scope): Compiled {
  const [variable, second, third] = args;
  const isMap = name === 'map';
  const condition = isMap ? third && second : second;
  const { range, body, inner, single } = comprehension(
    target,
    [variable!],
    isMap ? (third ?? second!) : second!,
    scope,
  );
  const test = condition && (isMap ? compileNode(condition, inner) : body);
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

function transform({ name, args }: Node & { kind: 'call' }, target: Node, scope: Scope): Compiled {
  const [key, value, ...rest] = args;
  const { range, body, inner } = comprehension(target, [key!, value!], rest.at(-1)!, scope);
  const test = rest.length === 2 ? compileNode(rest[0]!, inner) : undefined;
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
