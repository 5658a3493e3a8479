import { type Compiled, noOverload, type Scope } from './scope.ts';
import type { Node } from './syntax.ts';
import { BOOL, fits, joined, type Type } from './types.ts';
import { EvaluationError } from './values.ts';

/** Either side may decide alone, even when the other fails. */
export function logic(node: Node & { kind: 'call' }, scope: Scope): Compiled {
  const [left, right] = node.args.map((one) => scope.compile(one)) as [Compiled, Compiled];
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

export function conditional(node: Node & { kind: 'call' }, scope: Scope): Compiled {
  const [condition, yes, no] = node.args.map((one) => scope.compile(one)) as [Compiled, Compiled, Compiled];
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
