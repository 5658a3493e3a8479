import { goValue } from '../patch/go-value.ts';
import { fieldElement, formatPath } from './path-element.ts';
import { isObject, resolve, type Shape, shapeBelow } from './shape.ts';

/**
 * What keeps an applied configuration from being merged: fields that its kind has not, lists and objects in each
 * other's place, items of a keyed list that have no key or the same. Types of plain values are checked when the
 * object is read.
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
    default:
      if (actual.kind === 'leaf' && actual.holds === 'list' && !Array.isArray(value))
        report(`expected list, got &{${goValue(value)}}`);
      if (actual.kind === 'leaf' && (actual.holds === 'object' || actual.holds === 'map') && !isObject(value))
        report(`expected map, got &{${goValue(value)}}`);
  }
}

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
