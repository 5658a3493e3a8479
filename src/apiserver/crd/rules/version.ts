import type { StatusCause } from '../../../kube/index.ts';
import { duplicate, equal, forbiddenField, invalidValue, required } from '../../registry/validation/index.ts';
import { checkRules } from '../cel/check-rules.ts';
import { fieldPath } from '../field-path.ts';
import { structuralOf } from '../structural.ts';
import type { CrdVersion, JSONSchema, PrinterColumn, ScaleSubresource } from '../types.ts';
import { tooMany } from '../validate.ts';
import { validateDefaults } from './defaults.ts';
import { hasUnsupported, validateSchema } from './schema.ts';
import { validateStructural } from './structural.ts';

const MAX_SELECTABLE_FIELDS = 8;
const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
/** What the root may say when the status is checked by its own part of the schema. */
const ROOT_FIELDS =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations'.split(
    ' ',
  );

/** What a version says, or all versions when they say the same: `previous` is the schema that is stored of it. */
export interface VersionParts {
  readonly version: CrdVersion;
  /** Whether any version has the status subresource. */
  readonly hasStatus: boolean;
  readonly previous?: JSONSchema | undefined;
}

export function validateSchemaPart(
  { version, hasStatus, previous }: VersionParts,
  path: string,
): StatusCause[] {
  const schema = version.schema?.openAPIV3Schema;
  if (!schema) return [];
  const causes: StatusCause[] = [];
  const field = `${path}.openAPIV3Schema`;
  if (hasStatus) causes.push(...validateRoot(schema, field));
  if (schema.nullable)
    causes.push(forbiddenField(`${field}.nullable`, 'nullable cannot be true at the root'));
  const shape = validateSchema(schema, field);
  const structural = hasUnsupported(shape) ? [] : validateStructural(schema, field);
  const own = structural.length > 0 || hasUnsupported(shape) ? structural : validateDefaults(schema, field);
  causes.push(...own, ...shape);
  if (own.length === 0 && shape.length === 0)
    causes.push(...checkRules(schema, field, previous !== undefined && equal(schema, previous)));
  return causes;
}

export function validateSubresources({ subresources }: CrdVersion, path: string): StatusCause[] {
  return subresources?.scale ? validateScalePaths(subresources.scale, path) : [];
}

export function validateColumns({ additionalPrinterColumns = [] }: CrdVersion, path: string): StatusCause[] {
  return additionalPrinterColumns.flatMap((column, index) => validateColumn(column, `${path}[${index}]`));
}

function validateRoot(schema: JSONSchema, path: string): StatusCause[] {
  if (schema.type !== 'object')
    return [
      invalidValue(
        `${path}.type`,
        schema.type ?? '',
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
      ),
    ];
  const other = Object.keys(schema).some((name) => !ROOT_FIELDS.includes(goName(name)));
  if (!other) return [];
  const allowed = `only [${ROOT_FIELDS.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`;
  return [invalidValue(path, schema, allowed)];
}

function goName(name: string): string {
  const plain = name.replace(/^x-kubernetes-/, 'x-');
  return plain.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

export function validateDeprecation(
  { deprecated, deprecationWarning: text }: CrdVersion,
  path: string,
): StatusCause[] {
  if (text === undefined) return [];
  const field = `${path}.deprecationWarning`;
  if (!deprecated) return [invalidValue(field, text, 'can only be set for deprecated versions')];
  const at = [...text].findIndex((char) => /\p{C}/u.test(char));
  return [
    ...(Buffer.byteLength(text) > 256 ? [invalidValue(field, text, 'must be <= 256 characters long')] : []),
    ...(text === '' ? [invalidValue(field, text, 'must not be an empty string')] : []),
    ...(at >= 0
      ? [
          invalidValue(
            field,
            text,
            `must only contain printable UTF-8 characters; non-printable character found at index ${at}`,
          ),
        ]
      : []),
  ];
}

function validateColumn({ name, type, format, jsonPath }: PrinterColumn, path: string): StatusCause[] {
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  return [
    ...(name ? [] : [required(`${path}.name`)]),
    ...(type
      ? COLUMN_TYPES.includes(type)
        ? []
        : [invalidValue(`${path}.type`, type, types)]
      : [required(`${path}.type`, types)]),
    ...(format && !COLUMN_FORMATS.includes(format)
      ? [invalidValue(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`)]
      : []),
    ...(jsonPath ? simplePath(jsonPath, `${path}.JSONPath`) : [required(`${path}.JSONPath`)]),
  ];
}

function simplePath(path: string, field: string): StatusCause[] {
  return path.startsWith('.')
    ? []
    : [invalidValue(field, path, 'must be a simple json path starting with .')];
}

function validateScalePaths(scale: ScaleSubresource, path: string): StatusCause[] {
  const under = (
    name: keyof ScaleSubresource,
    roots: readonly string[],
    where: string,
    isOptional = false,
  ) => {
    const field = `${path}.scale.${name}`;
    const value = scale[name];
    if (!value) return isOptional ? [] : [required(field)];
    const wrong = simplePath(value, field);
    if (wrong.length > 0 || roots.some((root) => value.startsWith(root))) return wrong;
    return [invalidValue(field, value, `should be a json path under ${where}`)];
  };
  return [
    ...under('specReplicasPath', ['.spec.'], '.spec'),
    ...under('statusReplicasPath', ['.status.'], '.status'),
    ...under('labelSelectorPath', ['.spec.', '.status.'], 'either .spec or .status', true),
  ];
}

export function validateSelectableFields(
  { selectableFields = [], schema: { openAPIV3Schema: schema } = {} }: CrdVersion,
  path: string,
): StatusCause[] {
  if (selectableFields.length === 0) return [];
  if (!schema)
    return [invalidValue(path, '', 'may only be set when `version.schema.openAPIV3Schema` is not included')];
  const root = structuralOf(schema);
  const seen = new Set<string>();
  const causes: StatusCause[] = [];
  selectableFields.forEach(({ jsonPath }, index) => {
    const field = `${path}[${index}].jsonPath`;
    if (!jsonPath) {
      causes.push(required(field));
      return;
    }
    const found = fieldPath(jsonPath, root, { allowsKeys: false });
    if (found instanceof Error) {
      causes.push(invalidValue(field, jsonPath, `is an invalid path: ${found.message}`));
      return;
    }
    if (/^\.metadata(\.|$)/.test(jsonPath))
      causes.push(invalidValue(field, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(found.schema.type))
      causes.push(
        invalidValue(
          field,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      );
    if (seen.has(found.path)) causes.push(duplicate(field, jsonPath));
    seen.add(found.path);
  });
  if (seen.size > MAX_SELECTABLE_FIELDS) causes.push(tooMany(path, seen.size, MAX_SELECTABLE_FIELDS));
  return causes;
}
