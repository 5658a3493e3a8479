import { findOverload, namespaceOf, overloadsOf } from './functions/index.ts';
import { checkLiteralArgument } from './literal-arguments.ts';
import { type Compiled, noOverload, type Scope } from './scope.ts';
import { CompileError, type Node } from './syntax.ts';
import { filled, fits, joined, type Type } from './types.ts';
import { EvaluationError, List, type Value } from './values.ts';

export function functionCall(node: Node & { kind: 'call' }, scope: Scope): Compiled {
  const namespace =
    node.target?.kind === 'name' && !scope.find(node.target.name) ? node.target.name : undefined;
  const name = namespace !== undefined && namespaceOf(namespace) ? `${namespace}.${node.name}` : node.name;
  const target = node.target && name === node.name ? scope.compile(node.target) : undefined;
  const args = node.args.map((one) => scope.compile(one));
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
  checkLiteralArgument(node);
  const candidates = fitting.map(({ overload }) => overload);
  scope.calls(node, candidates);
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
