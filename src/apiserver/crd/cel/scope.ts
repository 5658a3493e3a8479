import type { Overload } from './functions/define.ts';
import { CompileError, type Node } from './syntax.ts';
import { nameOfType, type Type } from './types.ts';
import { BudgetError, type Value } from './values.ts';

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

/** What the compiler found out about a part of an expression. */
export interface Checked {
  readonly type: Type;
  /** Of a function call: the ways of calling it that fit. */
  readonly overloads?: readonly Overload[];
}

/** A part that is to be compiled by what knows all kinds of parts. */
export type CompileNode = (node: Node, scope: Scope) => Compiled;

interface Shared {
  readonly used: Set<string>;
  readonly checked: Map<Node, Checked>;
  readonly compile: CompileNode;
}

/** The variables that an expression sees; each has a slot of a Run. */
export class Scope {
  readonly #variables: readonly (Variable & { readonly slot: number })[];
  readonly #shared: Shared;
  /** The slot of the next variable. */
  readonly next: number;

  constructor(shared: Shared, variables: readonly (Variable & { readonly slot: number })[] = [], next = 0) {
    this.#shared = shared;
    this.#variables = variables;
    this.next = next;
  }

  find(name: string) {
    const found = this.#variables.findLast((one) => one.name === name);
    if (found) this.#shared.used.add(name);
    return found;
  }

  with(...variables: readonly Variable[]): Scope {
    const added = variables.map((one, index) => ({ ...one, slot: this.next + index }));
    return new Scope(this.#shared, [...this.#variables, ...added], this.next + variables.length);
  }

  compile(node: Node): Compiled {
    const compiled = this.#shared.compile(node, this);
    const { overloads } = this.#shared.checked.get(node) ?? {};
    this.#shared.checked.set(node, { type: compiled.type, overloads });
    return compiled;
  }

  /** Notes how a function is called. */
  calls(node: Node, overloads: readonly Overload[]): void {
    this.#shared.checked.set(node, { type: overloads[0]!.result, overloads });
  }
}

export function noOverload(
  node: Node & { kind: 'call' },
  args: readonly Compiled[],
  target?: Compiled,
): CompileError {
  const types = `(${args.map(({ type }) => nameOfType(type)).join(', ')})`;
  const applied = target ? `${nameOfType(target.type)}.${types}` : types;
  return new CompileError(`found no matching overload for '${node.name}' applied to '${applied}'`, node.at);
}
