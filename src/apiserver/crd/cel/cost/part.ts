import type { Node } from '../syntax.ts';
import type { Type } from '../types.ts';
import type { Path } from './schema-size.ts';
import { exactly, LIST_CREATION, type Size, UNKNOWN, union } from './size.ts';

/** The sizes of the keys and the values of a list or map. */
export interface Entries {
  readonly container: 'list' | 'map';
  readonly key: Size;
  readonly value: Size;
}

/** What is known of a part of an expression without running it. */
export interface Estimate {
  /** The most that it costs. */
  readonly cost: number;
  readonly type: Type;
  /** Where in the schema its value is described; empty when nowhere. */
  readonly path: Path;
  readonly size: Size | undefined;
  readonly entries: Entries | undefined;
  /** Of a list that the schema describes: the size of its items. */
  readonly itemSize?: Size | undefined;
  readonly literal?: unknown;
}

export function literalOf(value: unknown, type: Type): Estimate {
  const count =
    typeof value === 'string' ? [...value].length : value instanceof Uint8Array ? value.length : 1;
  return { cost: 0, type, path: [], size: exactly(count), entries: undefined, literal: value };
}

export function listOf(items: readonly Estimate[], type: Type): Estimate {
  const cost = items.reduce((sum, one) => sum + one.cost, LIST_CREATION);
  const entries: Entries = { container: 'list', key: exactly(1), value: allSizes(items) };
  return { cost, type, path: [], size: exactly(items.length), entries };
}

export const allSizes = (parts: readonly Estimate[]): Size =>
  parts.length === 0 ? exactly(0) : parts.map(({ size }) => size ?? UNKNOWN).reduce(union);

/** Types whose values are all of one size. */
export function isScalar(type: Type): boolean {
  switch (type.kind) {
    case 'bool':
    case 'double':
    case 'duration':
    case 'int':
    case 'timestamp':
    case 'uint':
      return true;
    case 'optional':
      return isScalar(type.of);
    default:
      return false;
  }
}

/** What a name that a macro brings stands for. */
export interface LoopVariable {
  readonly path: Path;
  readonly size: Size | undefined;
  readonly entries: Entries | undefined;
}

export type Locals = ReadonlyMap<string, LoopVariable>;

/** A function that is called. */
export interface Call {
  readonly name: string;
  /** The kind of the first argument (a method's target) that the way of calling it is for. */
  readonly kind: Type['kind'] | undefined;
  readonly target: Estimate | undefined;
  readonly args: readonly Estimate[];
}

/** What it costs, without what its target and arguments cost themselves, and what comes of it. */
export interface CallCost {
  readonly cost: number;
  readonly size?: Size;
  readonly entries?: Entries;
}

/** What estimates the parts of one expression. */
export interface Estimator {
  estimate(node: Node, locals: Locals): Estimate;
  /** A part whose size nothing computes: the schema knows it, or its type, or what it was bound to. */
  part(part: Partial<Estimate> & Pick<Estimate, 'cost' | 'type'>, boundSize?: Size): Estimate;
  /** A call of a function, by all the ways of calling it that fit. */
  called(name: string, target: Estimate | undefined, args: readonly Estimate[], type: Type): Estimate;
}
