import { WireError } from './reader.ts';
import { textOfTimestamp, timestampOf } from './timestamp.ts';
import { type Form, type WireMessage, type WireType, wireMessage } from './wire-message.ts';

const TEXT: WireType = { kind: 'string' };
const INT64: WireType = { kind: 'int64' };
const INT32: WireType = { kind: 'int32' };
const SCHEMA: WireType = { kind: 'message', model: 'V1JSONSchemaProps' };

/** Fields in the order of their numbers; `?` after a name marks one that is left out when absent. */
function parts(goName: string, fields: Readonly<Record<string, WireType>>): WireMessage {
  const entries = Object.entries(fields);
  return wireMessage(
    goName,
    entries.map(([name, type], index) => ({
      number: index + 1,
      name: name.replace('?', ''),
      type,
      byValue: !name.endsWith('?'),
      required: true,
    })),
  );
}

/** The form of a name that NUMBERS or a schema gives; `of`: what `items` are. */
export function formOf(name: string, of: WireType = TEXT): Form {
  if (name === 'items') return items(of);
  const form = FORMS[name];
  if (!form) throw new Error(`no wire form ${name}`);
  return form;
}

function items(of: WireType): Form {
  return {
    message: parts('Items', { items: { kind: 'list', of } }),
    pack: (value) => ({ items: value }),
    unpack: (found) => found.items ?? [],
    zero: [],
  };
}

function time(micro: boolean): Form {
  return {
    message: parts('Timestamp', { seconds: INT64, nanos: INT32 }),
    pack: (value) => ({ ...timestampOf(value as string) }),
    unpack: ({ seconds = 0, nanos = 0 }) =>
      textOfTimestamp({ seconds: seconds as number, nanos: nanos as number }, micro),
    zero: undefined,
  };
}

const FORMS: Readonly<Record<string, Form>> = {
  time: time(false),
  microtime: time(true),
  quantity: {
    message: parts('Quantity', { string: TEXT }),
    pack: (value) => ({ string: value }),
    unpack: ({ string = '0' }) => string,
    zero: '0',
  },
  'int-or-string': {
    message: parts('IntOrString', { type: INT64, intVal: INT32, strVal: TEXT }),
    pack: (value) =>
      typeof value === 'string'
        ? { type: 1, intVal: 0, strVal: value }
        : { type: 0, intVal: value, strVal: '' },
    unpack: ({ type, intVal = 0, strVal = '' }) => (type ? strVal : intVal),
    zero: 0,
  },
  /** RawExtension, FieldsV1 and apiextensions' JSON: JSON text. */
  json: {
    message: parts('RawExtension', { 'raw?': TEXT }),
    pack: (value) => ({ raw: JSON.stringify(value) }),
    unpack: ({ raw }) => (raw === undefined ? null : parseJson(raw as string)),
    zero: undefined,
  },
  /** An object without fields: that it is there is all. */
  empty: { message: parts('Empty', {}), pack: () => ({}), unpack: () => ({}), zero: {} },
  /** JSONSchemaPropsOrBool. A schema implies that what it describes is allowed. */
  'schema-or-bool': {
    message: parts('JSONSchemaPropsOrBool', { allows: { kind: 'bool' }, 'schema?': SCHEMA }),
    pack: (value) => (typeof value === 'boolean' ? { allows: value } : { allows: true, schema: value }),
    unpack: ({ allows = false, schema = allows }) => schema,
    zero: undefined,
  },
  /** JSONSchemaPropsOrArray. */
  'schema-or-array': oneOrMany('JSONSchemaPropsOrArray', SCHEMA),
  /** JSONSchemaPropsOrStringArray. */
  'schema-or-strings': oneOrMany('JSONSchemaPropsOrStringArray', TEXT),
};

function oneOrMany(goName: string, of: WireType): Form {
  return {
    message: parts(goName, { 'schema?': SCHEMA, many: { kind: 'list', of } }),
    pack: (value) => (Array.isArray(value) ? { many: value } : { schema: value }),
    unpack: ({ schema, many = [] }) => schema ?? many,
    zero: undefined,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new WireError(`raw JSON: ${(error as Error).message}`);
  }
}
