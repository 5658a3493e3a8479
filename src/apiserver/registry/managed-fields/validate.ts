import { goSyntax, goType, goValue } from '../patch/go-value.ts';
import { fieldElement, formatPath } from './path-element.ts';
import { isObject, resolve, type Scalar, type Shape, shapeBelow } from './shape.ts';

/**
 * What keeps an applied configuration from being merged: fields that its kind has not, lists, objects and plain values
 * in each other's place, items of a keyed list that have no key or the same (structured-merge-diff typed/validate.go).
 */
export function misfits(shape: Shape, config: unknown): readonly string[] {
  const found: string[] = [];
  walk(shape, config, [], found);
  return found;
}

function walk(shape: Shape, value: unknown, path: readonly string[], found: string[]): void {
  if (value === null || value === undefined) return;
  const report = (why: string, at = path) => found.push(`${formatPath(at)}: ${why}`);
  const actual = resolve(shape, value);
  switch (actual.kind) {
    case 'struct':
    case 'map':
      if (!isObject(value)) {
        report(`expected map, got &{${goValue(value)}}`);
        return;
      }
      for (const name of Object.keys(value)) {
        const here = [...path, fieldElement(name)];
        if (actual.kind === 'struct' && !actual.field(name)) report('field not declared in schema', here);
        else walk(shapeBelow(actual, fieldElement(name)), value[name], here, found);
      }
      return;
    case 'list': {
      if (!Array.isArray(value)) {
        report(`expected list, got &{${goValue(value)}}`);
        return;
      }
      const seen = new Set<string>();
      value.forEach((item, index) => {
        const element = plainlyWrong(actual.keys, item) ?? actual.elementOf(item);
        if (element instanceof Error) report(`element ${index}: ${element.message}`);
        else if (element === undefined)
          report(
            `element ${index}: associative list with keys has an element that omits all key fields ${goList(actual.keys)} (and doesn't have default values for any key fields)`,
          );
        else if (seen.has(element)) report(`duplicate entries for key ${formatPath([element])}`);
        else {
          seen.add(element);
          walk(actual.of, item, [...path, element], found);
        }
      });
      return;
    }
    case 'leaf': {
      const { holds, of, scalar } = actual;
      if (holds === 'list') {
        if (!Array.isArray(value)) report(`expected list, got &{${goValue(value)}}`);
        else if (of)
          for (const [index, item] of value.entries()) walk(of, item, [...path, `i:${index}`], found);
      } else if (holds) {
        if (!isObject(value)) report(`expected map, got &{${goValue(value)}}`);
        else if (of) walk(of, value, path, found);
      } else {
        const why = scalar && misfitOf[scalar](value);
        if (why) report(why);
      }
    }
  }
}

/** Why a value is no plain value of a type, in upstream's words, each with a Go format of its own. */
const misfitOf: Readonly<Record<Scalar, (value: unknown) => string | undefined>> = {
  numeric: (value) =>
    typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goType(value)}`,
  string: (value) =>
    typeof value === 'string'
      ? undefined
      : `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`,
  boolean: (value) => (typeof value === 'boolean' ? undefined : `expected boolean, got &{${goValue(value)}}`),
  any: (value) => (typeof value === 'object' ? `expected any scalar, got &{${goValue(value)}}` : undefined),
};

function plainlyWrong(keys: readonly string[], item: unknown): Error | undefined {
  const isPlain = typeof item !== 'object' || item === null;
  if (keys.length > 0) {
    if (item === null) return new Error('associative list with keys may not have a null element');
    return isObject(item) ? undefined : new Error('associative list with keys may not have non-map elements');
  }
  if (item === null) return new Error("associative list without keys has an element that's an explicit null");
  return isPlain ? undefined : new Error("associative list without keys has an element that's a map type");
}

const goList = (texts: readonly string[]) => `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`;
