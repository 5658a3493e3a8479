// Fields of a JSON schema hold values of more than one type, which OpenAPI cannot say: upstream gives them names and no
// type, and clients that check objects by themselves let them pass.

const APIEXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
const JSON_VALUE = `${APIEXTENSIONS}.JSON`;
const OR_ARRAY = `${APIEXTENSIONS}.JSONSchemaPropsOrArray`;
const OR_BOOL = `${APIEXTENSIONS}.JSONSchemaPropsOrBool`;
const OR_STRINGS = `${APIEXTENSIONS}.JSONSchemaPropsOrStringArray`;

/** The types by name. */
export const JSON_SCHEMA_TYPES = [
  [JSON_VALUE, { description: 'Any JSON value.' }],
  [OR_ARRAY, { description: 'A schema, or a list of them.' }],
  [OR_BOOL, { description: 'A schema, or whether there may be such fields.' }],
  [OR_STRINGS, { description: 'A schema, or a list of names.' }],
] as const;

/** The fields that are of them. */
export const JSON_SCHEMA_FIELDS = [
  ['V1JSONSchemaProps.additionalItems', { ref: OR_BOOL }],
  ['V1JSONSchemaProps.additionalProperties', { ref: OR_BOOL }],
  ['V1JSONSchemaProps.default', { ref: JSON_VALUE }],
  ['V1JSONSchemaProps.dependencies', { type: 'object', additionalProperties: { ref: OR_STRINGS } }],
  ['V1JSONSchemaProps.enum', { type: 'array', items: { ref: JSON_VALUE } }],
  ['V1JSONSchemaProps.example', { ref: JSON_VALUE }],
  ['V1JSONSchemaProps.items', { ref: OR_ARRAY }],
] as const;
