import { parseType, type Type } from '../types.ts';
import { Fields, kindOf, List, type Value } from '../values.ts';

/** One way of calling a function: by the types of its arguments; a method's first is its target. */
export interface Overload {
  readonly name: string;
  readonly isMethod: boolean;
  readonly args: readonly Type[];
  readonly result: Type;
  // biome-ignore lint/suspicious/noExplicitAny: each overload is only ever given values of its own types
  call(...values: any[]): Value;
}

/** `string.startsWith(string):bool`, `size(list<A>):int`, `_+_(int,int):int`. */
// biome-ignore lint/suspicious/noExplicitAny: see Overload
export function overload(signature: string, call: (...values: any[]) => Value): Overload {
  const [, target, name, args, result] = /^(?:([^.(]+)\.(?!\.))?([^(]+)\((.*)\):(.+)$/.exec(signature)!;
  const isNamespace =
    target !== undefined &&
    /^(optional|sets|format|lists|strings|ip)$/.test(target) &&
    target !== 'optional<A>' &&
    NAMESPACED.has(`${target}.${name}`);
  const types = splitTypes(args!).map(parseType);
  if (isNamespace || target === undefined)
    return {
      name: isNamespace ? `${target}.${name}` : name!,
      isMethod: false,
      args: types,
      result: parseType(result!),
      call,
    };
  return {
    name: name!,
    isMethod: true,
    args: [parseType(target), ...types],
    result: parseType(result!),
    call,
  };
}

const NAMESPACED = new Set([
  'optional.of',
  'optional.none',
  'optional.ofNonZeroValue',
  'optional.unwrap',
  'strings.quote',
  'sets.contains',
  'sets.equivalent',
  'sets.intersects',
  'lists.range',
  'ip.isCanonical',
  'format.named',
  'format.dns1123Label',
  'format.dns1123Subdomain',
  'format.dns1035Label',
  'format.qualifiedName',
  'format.dns1123LabelPrefix',
  'format.dns1123SubdomainPrefix',
  'format.dns1035LabelPrefix',
  'format.labelValue',
  'format.uri',
  'format.uuid',
  'format.byte',
  'format.date',
  'format.datetime',
]);

function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const char of text) {
    if (char === '<') depth++;
    if (char === '>') depth--;
    if (char === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  return part === '' ? parts : [...parts, part];
}

/** Whether a value may be an argument of a type, as far as can be told without looking inside. */
export function accepts(type: Type, value: Value): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'param':
      return true;
    case 'list':
      return value instanceof List;
    case 'map':
    case 'object':
      return value instanceof Fields;
    case 'opaque':
      return kindOf(value) === type.name;
    default:
      return kindOf(value) === type.kind;
  }
}
