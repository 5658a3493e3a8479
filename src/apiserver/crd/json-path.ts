import { isObject } from './types.ts';

/** Reads what a simple JSON path names; `undefined` when it is not there. */
export type PathReader = (value: unknown) => unknown;

/**
 * A reader of a path such as .spec.replicas, .metadata.annotations['a/b'], .status.conditions[?(@.type=="Ready")].status
 * or .items[0]: what printer columns, scale and selectable fields use of client-go's JSONPath. `undefined` when the
 * text is no such path.
 */
export function compilePath(path: string): PathReader | undefined {
  const steps: PathReader[] = [];
  let rest = path.trim();
  if (rest.startsWith('$')) rest = rest.slice(1);
  while (rest !== '') {
    const step = nextStep(rest);
    if (!step) return undefined;
    if (step.read) steps.push(step.read);
    rest = rest.slice(step.length);
  }
  return (value) => steps.reduce((found, step) => (found === undefined ? undefined : step(found)), value);
}

function nextStep(text: string): { read: PathReader | undefined; length: number } | undefined {
  const name = /^\.((?:\\.|[^.[\]\\\s{}])+)/.exec(text);
  if (name) return { read: property(name[1]!.replace(/\\(.)/g, '$1')), length: name[0].length };
  const quoted = /^\.?\[\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)")\s*\]/.exec(text);
  if (quoted)
    return { read: property((quoted[1] ?? quoted[2]!).replace(/\\(.)/g, '$1')), length: quoted[0].length };
  const index = /^\.?\[\s*(-?\d+)\s*\]/.exec(text);
  if (index) return { read: item(Number(index[1])), length: index[0].length };
  const all = /^\.?\[\s*\*?\s*:?\s*\]/.exec(text);
  if (all) return { read: item(0), length: all[0].length };
  const filter =
    /^\.?\[\?\(\s*@((?:\.[\w-]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|(-?[\d.]+)|(true|false))\s*\)\]/.exec(
      text,
    );
  if (filter) return { read: first(filter), length: filter[0].length };
  return text === '.' ? { read: undefined, length: 1 } : undefined;
}

function property(name: string): PathReader {
  return (value) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined);
}

function item(index: number): PathReader {
  return (value) => (Array.isArray(value) ? value.at(index) : undefined);
}

/** The first item that a filter lets through. */
function first([, path, operator, double, single, number, bool]: RegExpExecArray): PathReader {
  const wanted = double ?? single ?? (number === undefined ? bool === 'true' : Number(number));
  const steps = path!.slice(1).split('.').map(property);
  return (value) => {
    if (!Array.isArray(value)) return undefined;
    return value.find((one) => {
      const actual = steps.reduce(
        (found: unknown, step) => (found === undefined ? undefined : step(found)),
        one,
      );
      return actual !== undefined && (actual === wanted) === (operator === '==');
    });
  };
}
