import type { Structural } from './structural.ts';

/** Where a path of fields leads in a schema. */
export interface FoundField {
  /** As messages show it: .spec.map[key] without the first point. */
  readonly path: string;
  readonly schema: Structural;
}

/** A path such as .spec.color or .labels['a/b']; an Error that says what is wrong with it (cel.ValidFieldPath). */
export function fieldPath(
  text: string,
  root: Structural,
  options: { readonly allowsKeys?: boolean } = {},
): FoundField | Error {
  const { allowsKeys = true } = options;
  let schema = root;
  let path = '';
  let rest = text;
  while (rest !== '') {
    const quoted = /^\['((?:\\.|[^'\\])*)'\]/.exec(rest);
    const plain = /^\.([^.[\]]+)/.exec(rest);
    if (rest.startsWith('[') && !allowsKeys) return new Error('array notation is not allowed');
    const step = quoted ?? plain;
    if (!step) {
      if (rest.startsWith('['))
        return new Error(`expected single quoted string but got ${rest.slice(1).split(/[.[\]]/)[0]}`);
      return rest === '.'
        ? new Error('does not refer to a valid field')
        : new Error(`expected [ or . but got: ${rest.split(/[.[\]]/)[0]}`);
    }
    const name = quoted ? step[1]!.replace(/\\(.)/g, '$1') : step[1]!;
    const property = schema.properties.get(name);
    if (schema.properties.size > 0) {
      if (!property) return new Error('does not refer to a valid field');
      path += path === '' ? name : `.${name}`;
      schema = property;
    } else if (typeof schema.additional === 'object') {
      path += `[${name}]`;
      schema = schema.additional;
    } else return new Error('does not refer to a valid field');
    rest = rest.slice(step[0].length);
  }
  return { path, schema };
}
