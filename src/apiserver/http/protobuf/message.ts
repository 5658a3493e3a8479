import { type FieldType, findModel, type Model } from '../../registry/schema/index.ts';
import { formOf } from './forms.ts';
import { NUMBERS } from './numbers.ts';
import {
  type EmbeddedFields,
  type WireField,
  type WireMessage,
  type WireType,
  wireMessage,
} from './wire-message.ts';

const messages = new Map<string, WireMessage>();

/** The wire form of a model; `undefined` when it has none. */
export function findMessage(model: string): WireMessage | undefined {
  let message = messages.get(model);
  if (message) return message;
  const text = Object.hasOwn(NUMBERS, model) ? NUMBERS[model]! : undefined;
  const schema = findModel(model);
  if (text === undefined || !schema) return undefined;
  message = compile(schema, text === '' ? [] : text.split('; ').map(parseRow));
  messages.set(model, message);
  return message;
}

/** As findMessage, of a model that another one refers to. */
export function messageOf(model: string): WireMessage {
  const message = findMessage(model);
  if (!message) throw new Error(`no field numbers for ${model}; add its row to NUMBERS`);
  return message;
}

/** A row's part, e.g. `exec 1.1?` or `items 24? schema-or-array`. */
interface Row {
  readonly name: string;
  readonly path: readonly number[];
  readonly byValue: boolean;
  /** The form of a field that the schema calls any. */
  readonly form?: string;
}

function parseRow(text: string): Row {
  const [name = '', number = '', form] = text.split(' ');
  return {
    name,
    path: number.replace('?', '').split('.').map(Number),
    byValue: !number.endsWith('?'),
    form,
  };
}

function compile(model: Model, rows: readonly Row[]): WireMessage {
  const fields: (WireField | EmbeddedFields)[] = [];
  for (const [number, group] of Map.groupBy(rows, ({ path }) => path[0]!)) {
    const { path, name, byValue, form } = group[0]!;
    if (path.length > 1) {
      const inner = group.map((row) => ({ ...row, path: row.path.slice(1) }));
      fields.push({ number, embedded: compile(model, inner) });
      continue;
    }
    const field = model.fields.get(name);
    if (!field) throw new Error(`${model.name} has a number for ${name}, which its schema does not have`);
    fields.push({ number, name, byValue, required: field.required, type: wireType(field.type, form) });
  }
  return wireMessage(model.goName, fields);
}

function wireType(type: FieldType, form: string | undefined, inMap = false): WireType {
  switch (type.kind) {
    case 'array': {
      const of = wireType(type.of, form);
      // A map's entry has one value: upstream wraps a list there.
      return inMap ? { kind: 'form', form: formOf('items', of) } : { kind: 'list', of };
    }
    case 'map':
      return { kind: 'map', of: wireType(type.of, form, true) };
    case 'ref':
      return { kind: 'message', model: type.model };
    case 'any':
      return { kind: 'form', form: formOf(form ?? 'json') };
    case 'time':
    case 'microtime':
    case 'quantity':
    case 'int-or-string':
      return { kind: 'form', form: formOf(type.kind) };
    default:
      return { kind: type.kind };
  }
}
