import type { Value } from '../values.ts';
import { accepts, type Overload } from './define.ts';
import { extensions } from './extensions.ts';
import { kubernetes } from './kubernetes.ts';
import { standard } from './standard.ts';

const functions = new Map<string, Overload[]>();
const namespaces = new Set<string>();
const keyOf = (name: string, isMethod: boolean): string => `${isMethod ? '.' : ''}${name}`;

for (const overload of [...standard, ...extensions, ...kubernetes]) {
  const key = keyOf(overload.name, overload.isMethod);
  functions.set(key, [...(functions.get(key) ?? []), overload]);
  const point = overload.name.indexOf('.');
  if (point > 0) namespaces.add(overload.name.slice(0, point));
}

/** Every way to call a function or, when `isMethod`, a method. */
export function overloadsOf(name: string, isMethod: boolean): readonly Overload[] {
  return functions.get(keyOf(name, isMethod)) ?? [];
}

/** Whether functions are named after it: sets.contains. */
export function namespaceOf(name: string): boolean {
  return namespaces.has(name);
}

/** The one of the overloads that takes these values. */
export function findOverload(overloads: readonly Overload[], values: readonly Value[]): Overload | undefined {
  return overloads.find(
    ({ args }) => args.length === values.length && args.every((type, index) => accepts(type, values[index]!)),
  );
}
