/** A patch that cannot be applied. `test`: its precondition failed. */
export class PatchError extends Error {
  override name = 'PatchError';
}

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: Json;
}

/** A document after a JSON patch (RFC 6902); the document itself stays as it is. @throws PatchError */
export function jsonPatch(document: Json, patch: unknown): Json {
  if (!Array.isArray(patch)) throw new PatchError('a JSON patch must be a list of operations');
  return patch.reduce<Json>((result, operation, index) => {
    try {
      return apply(result, checkOperation(operation));
    } catch (error) {
      if (error instanceof PatchError) throw new PatchError(`operation ${index}: ${error.message}`);
      throw error;
    }
  }, document);
}

function checkOperation(operation: unknown): Operation {
  const { op, path, from } = (operation ?? {}) as Partial<Operation>;
  if (typeof op !== 'string' || typeof path !== 'string') throw new PatchError('op and path must be given');
  if ((op === 'move' || op === 'copy') && typeof from !== 'string')
    throw new PatchError(`${op} needs a from`);
  if (['add', 'replace', 'test'].includes(op) && !Object.hasOwn(operation as object, 'value')) {
    throw new PatchError(`${op} needs a value`);
  }
  return operation as Operation;
}

function apply(document: Json, { op, path, from, value }: Operation): Json {
  const target = pointer(path);
  switch (op) {
    case 'add':
      return change(document, target, () => ({ add: value }), path);
    case 'replace':
      read(document, target, path);
      return change(document, target, () => ({ set: value }), path);
    case 'remove':
      read(document, target, path);
      return change(document, target, () => 'remove', path);
    case 'move': {
      const source = pointer(from!);
      const moved = read(document, source, from!);
      if (path === from) return document;
      if (path.startsWith(`${from}/`)) throw new PatchError(`cannot move ${from} into itself`);
      return change(
        change(document, source, () => 'remove', from!),
        target,
        () => ({ add: moved }),
        path,
      );
    }
    case 'copy': {
      const copied = read(document, pointer(from!), from!);
      return change(document, target, () => ({ add: copied }), path);
    }
    case 'test':
      if (!same(read(document, target, path), value)) throw new PatchError(`testing value ${path} failed`);
      return document;
    default:
      throw new PatchError(`unknown operation ${JSON.stringify(op)}`);
  }
}

function pointer(path: string): readonly string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw new PatchError(`path ${JSON.stringify(path)} must begin with /`);
  return path
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: Json, steps: readonly string[], path: string): Json {
  let value = document;
  for (const step of steps) {
    if (Array.isArray(value)) value = value[indexOf(step, value.length - 1, path)];
    else if (isObject(value) && Object.hasOwn(value, step)) value = value[step];
    else throw new PatchError(`nothing at path ${path}`);
  }
  return value;
}

type Change = 'remove' | { readonly add: Json } | { readonly set: Json };

function change(document: Json, steps: readonly string[], how: () => Change, path: string): Json {
  const [step, ...rest] = steps;
  if (step === undefined) {
    const wanted = how();
    if (wanted === 'remove') throw new PatchError('the whole document cannot be removed');
    return 'add' in wanted ? wanted.add : wanted.set;
  }
  if (Array.isArray(document)) return changeArray(document, step, rest, how, path);
  if (!isObject(document)) throw new PatchError(`nothing at path ${path}`);
  if (rest.length > 0) {
    if (!Object.hasOwn(document, step)) throw new PatchError(`nothing at path ${path}`);
    return { ...document, [step]: change(document[step], rest, how, path) };
  }
  const wanted = how();
  if (wanted === 'remove') {
    const { [step]: _removed, ...kept } = document;
    return kept;
  }
  return { ...document, [step]: 'add' in wanted ? wanted.add : wanted.set };
}

function changeArray(
  list: readonly Json[],
  step: string,
  rest: readonly string[],
  how: () => Change,
  path: string,
): Json {
  if (rest.length > 0) {
    const index = indexOf(step, list.length - 1, path);
    return list.with(index, change(list[index], rest, how, path));
  }
  const wanted = how();
  if (wanted === 'remove') return list.toSpliced(indexOf(step, list.length - 1, path), 1);
  if ('set' in wanted) return list.with(indexOf(step, list.length - 1, path), wanted.set);
  return list.toSpliced(step === '-' ? list.length : indexOf(step, list.length, path), 0, wanted.add);
}

function indexOf(step: string, highest: number, path: string): number {
  const index = /^(?:0|[1-9]\d*)$/.test(step) ? Number(step) : Number.NaN;
  if (index <= highest) return index;
  throw new PatchError(`index ${step} of path ${path} is out of range`);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function same(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
  );
}
