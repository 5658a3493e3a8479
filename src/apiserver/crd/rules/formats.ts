import { isRecognizedFormat } from '../formats.ts';
import { type Crd, isObject, type JSONSchema } from '../types.ts';

/** What writers are told of formats that nothing checks; those that were there before are left alone. */
export function formatWarnings(crd: Crd, previous: Crd | undefined): string[] {
  const before = new Set(previous ? unrecognized(previous) : []);
  return unrecognized(crd)
    .filter((format) => !before.has(format))
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

function unrecognized({ spec }: Crd): string[] {
  return (spec?.versions ?? []).flatMap(({ schema }) => inSchema(schema?.openAPIV3Schema ?? {}));
}

function inSchema(schema: JSONSchema): string[] {
  const { type = '', format, items, additionalProperties, properties = {}, not } = schema;
  const inner = [items, additionalProperties, not, ...Object.values(properties)].filter(isObject);
  const alternatives = (['allOf', 'oneOf', 'anyOf'] as const).flatMap((kind) => schema[kind] ?? []);
  return [
    ...(format && !isRecognizedFormat(type, format) ? [format] : []),
    ...[...(inner as JSONSchema[]), ...alternatives].flatMap(inSchema),
  ];
}
