import { type FieldType, findModel, type Model } from '../../src/apiserver/registry/schema/models.ts';
import type { Draw } from './draw.ts';

const TEXTS = [
  '',
  'a',
  'x-1',
  'default',
  'fuzz',
  'Always',
  'ReadWriteOnce',
  'Filesystem',
  'example.com/a',
  'UPPER_case',
  '..',
  'a/b/c',
  '%s%n',
  '\u0000',
  '\ud800',
  'ü€😀',
  'x'.repeat(300),
  'v'.repeat(63),
  'v'.repeat(64),
  '-v',
  'v-',
  '-1',
  '1Gi',
  '0x10',
  '*',
  '{{}}',
  '$(A)',
  '__proto__',
  'constructor',
  '2020-01-01T00:00:00Z',
];
const QUANTITIES = [
  '1Gi',
  '0',
  '-1',
  '1.5',
  '100m',
  '1e3',
  '1E6',
  '9'.repeat(40),
  '1e400',
  '1e9999999999',
  'x',
  '',
  '0.0000000001',
  '.5Ki',
  '1Zi',
  '5.',
];
const NUMBERS = [
  2 ** 63,
  -(2 ** 63),
  2 ** 64,
  Number.MAX_VALUE,
  5e-324,
  0,
  1,
  -1,
  2,
  80,
  65_536,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  1e19,
  1.5,
  -0,
  1e308,
];
const KEYS = [
  'a',
  'b',
  'app',
  'example.com/role',
  '',
  '__proto__',
  'constructor',
  'x'.repeat(70),
  'a b',
  '$patch',
  'k:{"a":1}',
];

/** An object of a model: most fields as they should be, some not. */
export function objectOf(draw: Draw, model: Model, depth = 0): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  // Wide at the top, narrow below: all of a pod would be a megabyte.
  const share = depth === 0 ? 0.7 : 1.5 / (model.fields.size + 1);
  for (const { name, type, required } of model.fields.values()) {
    if (draw.chance(required ? 0.9 : share)) object[name] = fieldValue(draw, type, depth + 1);
  }
  if (draw.chance(0.02)) object[draw.one(KEYS)] = anything(draw, 2);
  return object;
}

export function fieldValue(draw: Draw, type: FieldType, depth: number): unknown {
  if (draw.chance(0.03)) return anything(draw, 3);
  switch (type.kind) {
    case 'string':
    case 'bytes':
      return draw.one(TEXTS);
    case 'bool':
      return draw.chance(0.5);
    case 'int32':
    case 'int64':
    case 'double':
      return draw.one(NUMBERS);
    case 'quantity':
      return draw.one(QUANTITIES);
    case 'int-or-string':
      return draw.chance(0.5) ? draw.one(NUMBERS) : draw.one(TEXTS);
    case 'time':
    case 'microtime':
      return draw.one(['2020-01-01T00:00:00Z', '2020-01-01T00:00:00.000000Z', '0000-00-00', 'never', null]);
    case 'array':
      return Array.from({ length: draw.below(depth > 6 ? 1 : 3) }, () =>
        fieldValue(draw, type.of, depth + 1),
      );
    case 'map':
      return Object.fromEntries(
        Array.from({ length: draw.below(3) }, () => [draw.one(KEYS), fieldValue(draw, type.of, depth + 1)]),
      );
    case 'ref': {
      const model = depth > 8 ? undefined : findModel(type.model);
      return model ? objectOf(draw, model, depth) : {};
    }
    case 'any':
      return anything(draw, 3);
  }
}

/** Any JSON value. */
export function anything(draw: Draw, depth: number): unknown {
  switch (draw.below(depth > 0 ? 8 : 6)) {
    case 0:
      return null;
    case 1:
      return draw.chance(0.5);
    case 2:
      return draw.one(NUMBERS);
    case 3:
      return draw.one(QUANTITIES);
    case 6:
      return Array.from({ length: draw.below(4) }, () => anything(draw, depth - 1));
    case 7:
      return Object.fromEntries(
        Array.from({ length: draw.below(4) }, () => [draw.one(KEYS), anything(draw, depth - 1)]),
      );
    default:
      return draw.one(TEXTS);
  }
}
