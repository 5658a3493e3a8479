import { KnownSets } from './known-sets.ts';

/**
 * A set of fields in the form of FieldsV1: a tree whose keys are serialized path elements (`f:` a field, `k:` an item
 * of a keyed list, `v:` an item of a set, `i:` an index). A node without children is a member; one with children is a
 * member when it has the key `.`. The root stands for no field, so `{}` at the root is the empty set. Sets are frozen
 * and share what they have in common; their keys are sorted, which is the order that upstream writes.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

const known = new KnownSets<FieldSet>();

export const EMPTY: FieldSet = known.add(Object.freeze({}));
const SELF = '.';

export function isEmpty(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether a node below the root is itself in the set, not only what is below it. */
export function isMember(node: FieldSet): boolean {
  return Object.hasOwn(node, SELF) || isEmpty(node);
}

/** The part of a set below one element; `undefined` when it has neither the element nor anything below it. */
export function below(set: FieldSet, element: string): FieldSet | undefined {
  return Object.hasOwn(set, element) ? set[element] : undefined;
}

/** The path elements directly below a node. */
export function elements(node: FieldSet): readonly string[] {
  const keys = Object.keys(node);
  return Object.hasOwn(node, SELF) ? keys.filter((key) => key !== SELF) : keys;
}

/** A node below the root from its parts; `undefined` when it would hold nothing. */
export function makeNode(
  member: boolean,
  children: readonly (readonly [element: string, node: FieldSet])[],
): FieldSet | undefined {
  if (children.length === 0) return member ? EMPTY : undefined;
  const node: Record<string, FieldSet> = {};
  if (member) node[SELF] = EMPTY;
  const sorted = children.length === 1 ? children : [...children].sort(byElement);
  for (const [element, child] of sorted) node[element] = child;
  return Object.freeze(node);
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, IN_EITHER);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, IN_BOTH);
}

/** The members of `a` that are not members of `b`; what lies below a member of `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return combine(a, b, IN_FIRST_ALONE);
}

/** `set` without the named fields at its root and all that is below them. */
export function withoutFields(set: FieldSet, fields: readonly string[]): FieldSet {
  const gone = fields.map((field) => `f:${field}`);
  if (!gone.some((element) => Object.hasOwn(set, element))) return set;
  const kept = Object.entries(set).filter(([element]) => !gone.includes(element));
  return makeNode(false, kept) ?? EMPTY;
}

/** Every member as the elements from the root to it: the members of a level first, then what is below each. */
export function* paths(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  const names = elements(set);
  for (const element of names) if (isMember(set[element]!)) yield [...prefix, element];
  for (const element of names) yield* paths(set[element]!, [...prefix, element]);
}

/** Collects paths; `build` gives the set of what was added. */
export class FieldSetBuilder {
  readonly #paths: (readonly string[])[] = [];
  #outline = '';

  add(path: readonly string[]): void {
    if (path.length === 0) return;
    this.#paths.push(path.slice());
    // With the lengths, so that different paths are different texts.
    for (const element of path) this.#outline += `${element.length}:${element}`;
    this.#outline += ';';
  }

  /** Mostly one set for the same paths in the same order. */
  build(): FieldSet {
    return this.#paths.length === 0 ? EMPTY : known.get(this.#outline, () => treeOf(this.#paths));
  }
}

interface Draft {
  member: boolean;
  readonly children: Map<string, Draft>;
}

function treeOf(paths: readonly (readonly string[])[]): FieldSet {
  const root: Draft = { member: false, children: new Map() };
  for (const path of paths) {
    let draft = root;
    for (const element of path) {
      let child = draft.children.get(element);
      if (!child) {
        child = { member: false, children: new Map() };
        draft.children.set(element, child);
      }
      draft = child;
    }
    draft.member = true;
  }
  return finish(root) ?? EMPTY;
}

function finish({ member, children }: Draft): FieldSet | undefined {
  return makeNode(
    member,
    [...children].map(([element, child]) => [element, finish(child)!] as const),
  );
}

type Rule = (inA: boolean, inB: boolean) => boolean;

const IN_EITHER: Rule = (inA, inB) => inA || inB;
const IN_BOTH: Rule = (inA, inB) => inA && inB;
const IN_FIRST_ALONE: Rule = (inA, inB) => inA && !inB;

function combine(a: FieldSet, b: FieldSet, rule: Rule): FieldSet {
  const combined = () => combineNodes(isEmpty(a) ? undefined : a, isEmpty(b) ? undefined : b, rule) ?? EMPTY;
  return known.combined(rule, a, b, combined);
}

function combineNodes(a: FieldSet | undefined, b: FieldSet | undefined, rule: Rule): FieldSet | undefined {
  if (!a) return rule(false, true) ? b : undefined;
  if (!b) return rule(true, false) ? a : undefined;
  if (a === b) return rule(true, true) ? a : undefined;
  const children: [string, FieldSet][] = [];
  let same = true;
  const take = (element: string, inA: FieldSet | undefined, inB: FieldSet | undefined) => {
    const node = combineNodes(inA, inB, rule);
    if (node !== inA) same = false;
    if (node) children.push([element, node]);
  };
  for (const element of elements(a)) take(element, a[element], below(b, element));
  for (const element of elements(b)) if (!Object.hasOwn(a, element)) take(element, undefined, b[element]);
  const member = rule(isMember(a), isMember(b));
  return same && member === isMember(a) ? a : makeNode(member, children);
}

function byElement([a]: readonly [string, FieldSet], [b]: readonly [string, FieldSet]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
