import { functionCall } from './calls.ts';
import { index, select } from './fields.ts';
import { conditional, logic } from './logic.ts';
import { macro } from './macros.ts';
import { type Checked, type Compiled, Scope, type Variable } from './scope.ts';
import { CompileError, type Node, parse } from './syntax.ts';
import { BOOL, BYTES, DOUBLE, INT, joined, STRING, type Type } from './types.ts';
import { List, MapFields, Optional, Uint, type Value } from './values.ts';

export interface Program extends Compiled {
  /** Which of the variables it reads. */
  readonly uses: ReadonlySet<string>;
  readonly node: Node;
  /** What each part of it is. */
  readonly checked: ReadonlyMap<Node, Checked>;
}

/** @throws CompileError */
export function compile(source: string, variables: readonly Variable[]): Program {
  const uses = new Set<string>();
  const checked = new Map<Node, Checked>();
  const scope = new Scope({ used: uses, checked, compile: compileNode }).with(...variables);
  const node = parse(source);
  return { ...scope.compile(node), uses, node, checked };
}

function compileNode(node: Node, scope: Scope): Compiled {
  switch (node.kind) {
    case 'literal':
      return literal(node);
    case 'name':
      return name(node, scope);
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
const LITERAL_TYPES = {
  int: INT,
  uint: { kind: 'uint' },
  double: DOUBLE,
  string: STRING,
  bytes: BYTES,
  bool: BOOL,
  null: { kind: 'null' },
} satisfies Record<string, Type>;

function literal(node: Node & { kind: 'literal' }): Compiled {
  const { type, value } = node.value;
  if (type === 'int' && (value > MAX_INT || value < MIN_INT))
    throw new CompileError('Syntax error: invalid int literal', node.at);
  const constant: Value = type === 'uint' ? new Uint(value) : value;
  return { type: LITERAL_TYPES[type], run: () => constant };
}

function name(node: Node & { kind: 'name' }, scope: Scope): Compiled {
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

function list({ items }: Node & { kind: 'list' }, scope: Scope): Compiled {
  const compiled = items.map(({ value, optional }) => ({ ...scope.compile(value), optional }));
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
    key: scope.compile(one.key),
    value: scope.compile(one.value),
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

const unwrapped = (value: Value): Value | undefined => (value instanceof Optional ? value.value : value);

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
