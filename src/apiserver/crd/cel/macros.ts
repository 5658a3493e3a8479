import { mapOrFilter, QUANTIFIERS, quantify, sortBy, transform } from './comprehensions.ts';
import { has } from './fields.ts';
import type { Compiled, Scope } from './scope.ts';
import { CompileError, type Node } from './syntax.ts';
import { DYN } from './types.ts';
import { EvaluationError, Optional } from './values.ts';

type Macro = (node: Node & { kind: 'call' }, target: Node, scope: Scope) => Compiled;

/** By name and number of arguments. */
const MACROS: ReadonlyMap<string, Macro> = new Map<string, Macro>([
  ...[...QUANTIFIERS.keys()].flatMap((name): [string, Macro][] => [
    [`${name}/2`, quantify],
    [`${name}/3`, quantify],
  ]),
  ['map/2', mapOrFilter],
  ['map/3', mapOrFilter],
  ['filter/2', mapOrFilter],
  ['sortBy/2', sortBy],
  ...['transformList', 'transformMap', 'transformMapEntry'].flatMap((name): [string, Macro][] => [
    [`${name}/3`, transform],
    [`${name}/4`, transform],
  ]),
  ['optMap/2', optMap],
  ['optFlatMap/2', optMap],
]);

/** A call that is no function's: the macros of CEL and of its two-variable, list and optional extensions. */
export function macro(node: Node & { kind: 'call' }, scope: Scope): Compiled | undefined {
  const { name, target, args } = node;
  if (!target) return name === 'has' && args.length === 1 ? has(args[0]!, scope) : undefined;
  return MACROS.get(`${name}/${args.length}`)?.(node, target, scope);
}

function optMap(node: Node & { kind: 'call' }, target: Node, scope: Scope): Compiled {
  const [variable, body] = node.args;
  if (variable!.kind !== 'name')
    throw new CompileError(`${node.name}() variable name must be a simple identifier`, variable!.at);
  const of = scope.compile(target);
  const type = of.type.kind === 'optional' ? of.type.of : DYN;
  const inner = scope.with({ name: variable!.name, type }).compile(body!);
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
