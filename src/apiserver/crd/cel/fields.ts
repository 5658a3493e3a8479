import type { Compiled, Scope } from './scope.ts';
import { CompileError, type Node } from './syntax.ts';
import { BOOL, DYN, fieldSchema, fits, INT, nameOfType, type Type, typeOfSchema } from './types.ts';
import { EvaluationError, Fields, List, Optional, Uint, type Value } from './values.ts';

// What reads a part of a value: a.b, a.?b, a[b], a[?b], has(a.b).

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

export function select(node: Node & { kind: 'select' }, scope: Scope): Compiled {
  const of = scope.compile(node.of);
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

export function index(node: Node & { kind: 'index' }, scope: Scope): Compiled {
  const of = scope.compile(node.of);
  const key = scope.compile(node.key);
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

export function has(operand: Node, scope: Scope): Compiled {
  if (operand.kind !== 'select') throw new CompileError('invalid argument to has() macro', operand.at);
  const of = scope.compile(operand.of);
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
