import type { Structural } from '../../structural.ts';
import type { Program } from '../compile.ts';
import type { Checked } from '../scope.ts';
import type { Node } from '../syntax.ts';
import { BOOL, DYN, type Type } from '../types.ts';
import { callCost } from './calls.ts';
import { comprehend, macroOf } from './comprehensions.ts';
import {
  allSizes,
  type Entries,
  type Estimate,
  type Estimator,
  isScalar,
  type Locals,
  listOf,
  literalOf,
} from './part.ts';
import { sizeAt } from './schema-size.ts';
import { exactly, MAP_CREATION, type Size, union } from './size.ts';

/**
 * The most that a rule can cost on one value of the schema, in the units of cel-go (checker/cost.go), with the costs
 * that Kubernetes gives its own functions. It is what decides which rules a definition may have, so it follows
 * upstream's numbers to the last one, also where another estimate would be nearer to the truth.
 */
export function estimateCost({ node, checked }: Program, root: Structural): number {
  return new CostEstimator(checked, root).estimate(node, new Map()).cost;
}

class CostEstimator implements Estimator {
  readonly #checked: ReadonlyMap<Node, Checked>;
  readonly #root: Structural;

  constructor(checked: ReadonlyMap<Node, Checked>, root: Structural) {
    this.#checked = checked;
    this.#root = root;
  }

  typeOf(node: Node): Type {
    return this.#checked.get(node)?.type ?? DYN;
  }

  /** A part whose size nothing computes: the schema knows it, or its type, or what it was bound to. */
  part(part: Partial<Estimate> & Pick<Estimate, 'cost' | 'type'>, boundSize?: Size): Estimate {
    const { path = [] } = part;
    const size = part.size ?? sizeAt(this.#root, path) ?? (isScalar(part.type) ? exactly(1) : boundSize);
    const itemSize =
      part.type.kind === 'list' && sizeAt(this.#root, path.length > 0 ? [...path, '@items'] : []);
    return { entries: undefined, ...part, path, size, itemSize: itemSize || undefined };
  }

  estimate(node: Node, locals: Locals): Estimate {
    const type = this.typeOf(node);
    switch (node.kind) {
      case 'literal':
        return literalOf(node.value.value, type);
      case 'name': {
        const local = locals.get(node.name);
        if (!local) return this.part({ cost: 1, type, path: [node.name] });
        return this.part({ cost: 1, type, path: local.path, entries: local.entries }, local.size);
      }
      case 'select':
        return this.#select(node, type, locals);
      case 'index': {
        const [of, key] = [this.estimate(node.of, locals), this.estimate(node.key, locals)];
        const isOptional = node.optional || of.type.kind === 'optional';
        const cost = 1 + of.cost + key.cost;
        if (isOptional) return this.part({ cost, type });
        const path = [...of.path, of.type.kind === 'list' ? '@items' : '@values'];
        return this.part({ cost, type, path, size: of.entries?.value });
      }
      case 'list': {
        const items = node.items.map(({ value }) => this.estimate(value, locals));
        return listOf(items, type);
      }
      case 'map': {
        const keys = node.entries.map(({ key }) => this.estimate(key, locals));
        const values = node.entries.map(({ value }) => this.estimate(value, locals));
        const cost = [...keys, ...values].reduce((sum, one) => sum + one.cost, MAP_CREATION);
        const entries: Entries = { container: 'map', key: allSizes(keys), value: allSizes(values) };
        return { cost, type, path: [], size: exactly(keys.length), entries };
      }
      case 'call':
        return this.#call(node, type, locals);
    }
  }

  #select(node: Node & { kind: 'select' }, type: Type, locals: Locals): Estimate {
    const of = this.estimate(node.of, locals);
    if (node.optional) return this.part({ cost: 1 + of.cost, type });
    const isRead = of.type.kind === 'map' || of.type.kind === 'object';
    return this.part({ cost: of.cost + (isRead ? 1 : 0), type, path: [...of.path, node.field] });
  }

  #call(node: Node & { kind: 'call' }, type: Type, locals: Locals): Estimate {
    const { name, args } = node;
    // Upstream lets a test of presence cost no more than what it is about.
    if (name === 'has' && !node.target && args[0]?.kind === 'select')
      return this.part({ cost: this.estimate(args[0].of, locals).cost, type: BOOL });
    const overloads = this.#checked.get(node)?.overloads;
    const macro = overloads ? undefined : macroOf(node);
    if (macro) return comprehend(this, macro, node, type, locals);
    const isMethod = node.target !== undefined && overloads?.[0]?.isMethod !== false;
    const target = isMethod ? this.estimate(node.target!, locals) : undefined;
    const given = args.map((one) => this.estimate(one, locals));
    if (name === 'dyn' && given[0]) return { ...given[0], cost: given[0].cost + 1, type: DYN, path: [] };
    return this.called(overloads?.[0]?.name ?? name, target, given, type, overloads);
  }

  /** A call of a function, by all the ways of calling it that fit. */
  called(
    name: string,
    target: Estimate | undefined,
    args: readonly Estimate[],
    type: Type,
    overloads?: Checked['overloads'],
  ): Estimate {
    let cost = 0;
    let size: Size | undefined;
    let entries: Entries | undefined;
    const kinds = overloads?.length ? overloads.map((one) => one.args[0]?.kind) : [args[0]?.type.kind];
    for (const kind of kinds) {
      const one = callCost({ name, kind, target, args });
      cost = Math.max(cost, one.cost);
      entries = one.entries ?? entries;
      if (one.size) size = size ? union(size, one.size) : one.size;
      else size ??= isScalar(type) ? exactly(1) : undefined;
    }
    return { cost: cost + (target?.cost ?? 0), type, path: [], size, entries };
  }
}
