import { EMPTY, type FieldSet, makeNode } from './field-set.ts';

type Item = Readonly<Record<string, unknown>>;

export const fieldElement = (name: string): string => `f:${name}`;

/** The element of an item in a list of plain values. */
export const valueElement = (value: unknown): string => `v:${JSON.stringify(value)}`;

/**
 * The element of an item in a list with keys; `undefined` when the item has none of them. `defaults` holds the values
 * of keys that an item may leave out.
 */
export function keyElement(
  item: Item,
  keys: readonly string[],
  defaults: Readonly<Record<string, unknown>> = {},
): string | undefined {
  const parts: string[] = [];
  for (const key of keys) {
    const value = item[key] ?? defaults[key];
    if (value !== undefined) parts.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`);
  }
  return parts.length === 0 ? undefined : `k:{${parts.join(',')}}`;
}

/** A path as messages show it, e.g. .spec.containers[name="a"].image */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join('');
}

function formatElement(element: string): string {
  const text = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${text}`;
    case 'k:': {
      const keys = Object.entries(JSON.parse(text) as Item);
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v:':
      return `[=${text}]`;
    default:
      return `[${text}]`;
  }
}

/**
 * A set that a client sent, in the form that this server writes: keys in order and without spaces, elements of kinds
 * that nobody knows dropped.
 * @throws Error when it is no FieldsV1
 */
export function readFieldSet(fields: unknown): FieldSet {
  return readNode(fields, true) ?? EMPTY;
}

function readNode(node: unknown, isRoot: boolean): FieldSet | undefined {
  if (typeof node !== 'object' || node === null || Array.isArray(node))
    throw new Error('a node of fieldsV1 is not an object');
  const children: [string, FieldSet][] = [];
  let member = false;
  for (const [element, child] of Object.entries(node)) {
    if (element === '.') {
      member = true;
      continue;
    }
    const canonical = readElement(element);
    const read = readNode(child, false);
    if (canonical !== undefined && read) children.push([canonical, read]);
  }
  if (isRoot) return makeNode(false, children);
  return makeNode(member || children.length === 0, children);
}

function readElement(element: string): string | undefined {
  const text = element.slice(2);
  if (element.length < 2 || element[1] !== ':') throw new Error(`missing colon: ${element}`);
  switch (element[0]) {
    case 'f':
      return element;
    case 'v':
      return valueElement(JSON.parse(text));
    case 'k': {
      const item = JSON.parse(text) as Item;
      return keyElement(item, Object.keys(item).sort());
    }
    case 'i':
      if (!/^\d+$/.test(text)) throw new Error(`invalid index: ${element}`);
      return element;
    default:
      return undefined;
  }
}
