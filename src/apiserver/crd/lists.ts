import type { StatusCause } from '../../kube/index.ts';
import { duplicate, invalidValue } from '../registry/validation/index.ts';
import { fieldOf, type Structural } from './structural.ts';
import { isObject } from './types.ts';

/** Items of sets and keys of keyed lists are unique. Rules: apiextensions-apiserver schema/listtype. */
export function validateLists(node: Structural | undefined, value: unknown, path = ''): StatusCause[] {
  if (node === undefined) return [];
  if (Array.isArray(value)) {
    return [
      ...(node.listType === 'set'
        ? repeated(value).map((index) => duplicate(`${path}[${index}]`, value[index]))
        : []),
      ...(node.listType === 'map' ? keyedList(node, value, path) : []),
      ...(node.items
        ? value.flatMap((item, index) => validateLists(node.items, item, `${path}[${index}]`))
        : []),
    ];
  }
  if (!isObject(value)) return [];
  return Object.keys(value).flatMap((name) => {
    const place = node.properties.has(name) ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`;
    return validateLists(fieldOf(node, name), value[name], place);
  });
}

function keyedList(node: Structural, value: readonly unknown[], path: string): StatusCause[] {
  const other = value.findIndex((item) => item !== null && !isObject(item));
  if (other >= 0)
    return [
      invalidValue(`${path}[${other}]`, value[other], 'must be an object for an array of list-type map'),
    ];
  const keys = value.map((item) =>
    Object.fromEntries(
      node.listMapKeys.flatMap((key) =>
        isObject(item) && Object.hasOwn(item, key) ? [[key, item[key]]] : [],
      ),
    ),
  );
  return repeated(keys).map((index) => duplicate(`${path}[${index}]`, keys[index]));
}

/** Where each value that occurs again does so first. */
function repeated(values: readonly unknown[]): number[] {
  const seen = new Map<string, number>();
  return values.flatMap((value, index) => {
    const key = JSON.stringify(sorted(value));
    const times = seen.get(key) ?? 0;
    seen.set(key, times + 1);
    return times === 1 ? [index] : [];
  });
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}
