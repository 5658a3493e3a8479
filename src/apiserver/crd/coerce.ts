import { copyFrozen, setOwn } from '../registry/schema/share.ts';
import { META_FIELDS, type Structural } from './structural.ts';
import { isObject } from './types.ts';

/** Where the walk is; a path's text is made only when something is to be reported. */
interface Place {
  readonly parent: Place | undefined;
  readonly step: string | number;
}

interface Walk {
  /** Takes the paths of fields that the schema does not have. */
  readonly unknownFields: string[];
}

/**
 * A value as its schema wants it: unknown fields and forbidden nulls dropped, defaults filled in. Frozen all the way
 * down; whatever equals the same part of `previous` *is* that part. Rules: Kubernetes 1.36,
 * apiextensions-apiserver schema/pruning and schema/defaulting.
 */
export function coerce(
  node: Structural | undefined,
  value: unknown,
  previous: unknown,
  unknownFields: string[] = [],
): unknown {
  return walk(node, value, previous, undefined, { unknownFields }, false);
}

function walk(
  node: Structural | undefined,
  value: unknown,
  previous: unknown,
  place: Place | undefined,
  report: Walk,
  /** Below x-kubernetes-preserve-unknown-fields of a list: items keep what they have. */
  preserves: boolean,
): unknown {
  if (Array.isArray(value)) return walkList(node, value, previous, place, report, preserves);
  if (isObject(value)) return walkObject(node, value, previous, place, report, preserves);
  return copyFrozen(value, previous);
}

function walkList(
  node: Structural | undefined,
  value: readonly unknown[],
  previous: unknown,
  place: Place | undefined,
  report: Walk,
  preserves: boolean,
): unknown {
  const keeps = preserves || (node?.preserves ?? false);
  if (keeps && !node?.items) return copyFrozen(value, previous);
  const items = node?.items;
  const before = Array.isArray(previous) ? previous : undefined;
  let same = before?.length === value.length;
  const result = value.map((item, index) => {
    const old = before?.[index];
    const next =
      (item === null || item === undefined) && items && !items.nullable && items.default !== undefined
        ? defaultOf(items)
        : walk(items, item ?? null, old, { parent: place, step: index }, report, keeps);
    const shared = next === old ? old : next;
    if (shared !== old) same = false;
    return shared;
  });
  return same ? before : Object.freeze(result);
}

function walkObject(
  node: Structural | undefined,
  value: Readonly<Record<string, unknown>>,
  previous: unknown,
  place: Place | undefined,
  report: Walk,
  preserves: boolean,
): unknown {
  const before = isObject(previous) ? previous : undefined;
  const result: Record<string, unknown> = {};
  let same = before !== undefined;
  let count = 0;
  const put = (name: string, next: unknown, old: unknown) => {
    setOwn(result, name, next);
    count++;
    if (next !== old) same = false;
  };
  for (const name of Object.keys(value)) {
    const item = value[name];
    if (item === undefined) continue;
    const old = before && Object.hasOwn(before, name) ? before[name] : undefined;
    if (node?.embedded && META_FIELDS.has(name)) {
      put(name, copyFrozen(item, old), old);
      continue;
    }
    const property = node?.properties.get(name);
    const additional = node?.additional;
    const inner = property ?? (typeof additional === 'object' ? additional : undefined);
    if (inner) {
      if (item === null && !inner.nullable) {
        // A null that may not be: the default stands in for it, or it is no field.
        if (inner.default !== undefined) put(name, copyFrozen(defaultOf(inner), old), old);
        continue;
      }
      put(name, walk(inner, item, old, { parent: place, step: name }, report, false), old);
    } else if (additional !== undefined) {
      put(name, walk(undefined, item, old, { parent: place, step: name }, report, false), old);
    } else if (preserves || node?.preserves) {
      put(name, copyFrozen(item, old), old);
    } else {
      report.unknownFields.push(pathOf({ parent: place, step: name }));
    }
  }
  if (node?.hasDefaults) {
    for (const [name, property] of node.properties) {
      if (property.default === undefined || Object.hasOwn(result, name)) continue;
      const old = before && Object.hasOwn(before, name) ? before[name] : undefined;
      put(name, copyFrozen(defaultOf(property), old), old);
    }
  }
  return same && count === Object.keys(before!).length ? before : Object.freeze(result);
}

const defaults = new WeakMap<Structural, unknown>();

/** A node's default with the defaults of what is in it. */
function defaultOf(node: Structural): unknown {
  let value = defaults.get(node);
  if (value === undefined) {
    value = coerce(node, node.default, undefined);
    defaults.set(node, value);
  }
  return value;
}

function pathOf({ parent, step }: Place): string {
  const before = parent ? pathOf(parent) : '';
  if (typeof step === 'number') return `${before}[${step}]`;
  return before === '' ? step : `${before}.${step}`;
}
