import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Json } from './documents.ts';

/**
 * Writes an OpenAPI v2 document in gnostic's protobuf encoding (package openapi.v2; the field numbers are those of its
 * published .proto). Only what our own documents have is written.
 */
export function encodeDocument(document: Json): Uint8Array {
  const writer = new BinaryWriter();
  text(writer, 1, document.swagger);
  message(writer, 2, (info) => {
    text(info, 1, (document.info as Json).title);
    text(info, 2, (document.info as Json).version);
  });
  message(writer, 8, (paths) => {
    // The path field of Paths is number 2.
    for (const [name, item] of entries(document.paths)) named(paths, 2, name, (w) => pathItem(w, item));
  });
  message(writer, 9, (definitions) => {
    for (const [name, value] of entries(document.definitions))
      named(definitions, 1, name, (w) => schema(w, value));
  });
  return writer.finish();
}

const METHOD_FIELDS: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

function pathItem(writer: BinaryWriter, item: Json): void {
  for (const [method, field] of Object.entries(METHOD_FIELDS)) {
    const value = item[method] as Json | undefined;
    if (value) message(writer, field, (w) => operation(w, value));
  }
  parameters(writer, 9, item.parameters);
}

function operation(writer: BinaryWriter, value: Json): void {
  text(writer, 3, value.description);
  text(writer, 5, value.operationId);
  texts(writer, 6, value.produces);
  texts(writer, 7, value.consumes);
  parameters(writer, 8, value.parameters);
  message(writer, 9, (responses) => {
    for (const [code, response] of entries(value.responses))
      named(responses, 1, code, (responseValue) =>
        message(responseValue, 1, (w) => {
          text(w, 1, response.description);
          const body = response.schema as Json | undefined;
          if (body) message(w, 2, (item) => message(item, 1, (s) => schema(s, body)));
        }),
      );
  });
  extensions(writer, 13, value);
}

/** Fields of the messages of a query and of a path parameter: they differ from the fifth on. */
const PARAMETER_FIELDS = {
  query: { oneof: 3, type: 6, uniqueItems: 20 },
  path: { oneof: 4, type: 5, uniqueItems: 19 },
} as const;

function parameters(writer: BinaryWriter, field: number, value: unknown): void {
  for (const parameter of (value ?? []) as Json[])
    message(writer, field, (item) =>
      message(item, 1, (w) => {
        if (parameter.in === 'body') message(w, 1, (body) => bodyParameter(body, parameter));
        else message(w, 2, (other) => simpleParameter(other, parameter));
      }),
    );
}

function bodyParameter(writer: BinaryWriter, parameter: Json): void {
  text(writer, 2, parameter.name);
  text(writer, 3, parameter.in);
  flag(writer, 4, parameter.required);
  message(writer, 5, (w) => schema(w, parameter.schema as Json));
}

function simpleParameter(writer: BinaryWriter, parameter: Json): void {
  const fields = PARAMETER_FIELDS[parameter.in as 'query' | 'path'];
  message(writer, fields.oneof, (w) => {
    flag(w, 1, parameter.required);
    text(w, 2, parameter.in);
    text(w, 4, parameter.name);
    text(w, fields.type, parameter.type);
    flag(w, fields.uniqueItems, parameter.uniqueItems);
  });
}

function schema(writer: BinaryWriter, value: Json): void {
  text(writer, 1, value.$ref);
  text(writer, 2, value.format);
  text(writer, 4, value.description);
  texts(writer, 19, value.required);
  for (const word of (value.enum ?? []) as unknown[]) message(writer, 20, (any) => yaml(any, word));
  const additional = value.additionalProperties as Json | undefined;
  if (additional) message(writer, 21, (item) => message(item, 1, (w) => schema(w, additional)));
  if (value.type !== undefined) message(writer, 22, (w) => text(w, 1, value.type));
  const items = value.items as Json | undefined;
  if (items) message(writer, 23, (list) => message(list, 1, (w) => schema(w, items)));
  if (value.properties !== undefined)
    message(writer, 25, (properties) => {
      for (const [name, property] of entries(value.properties))
        named(properties, 1, name, (w) => schema(w, property));
    });
  extensions(writer, 31, value);
}

/** A value of any form, as YAML: JSON is YAML. */
function yaml(writer: BinaryWriter, value: unknown): void {
  text(writer, 2, `${JSON.stringify(value)}\n`);
}

/** The x-… members. */
function extensions(writer: BinaryWriter, field: number, value: Json): void {
  for (const [name, extension] of Object.entries(value)) {
    if (!name.startsWith('x-')) continue;
    named(writer, field, name, (any) => yaml(any, extension));
  }
}

/** An entry of a map as gnostic writes it: name = 1, value = 2. */
function named(
  writer: BinaryWriter,
  field: number,
  name: string,
  value: (writer: BinaryWriter) => void,
): void {
  message(writer, field, (entry) => {
    text(entry, 1, name);
    message(entry, 2, value);
  });
}

function message(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: unknown): void {
  if (typeof value === 'string' && value !== '') writer.tag(field, WireType.LengthDelimited).string(value);
}

function texts(writer: BinaryWriter, field: number, values: unknown): void {
  for (const value of (values ?? []) as string[]) writer.tag(field, WireType.LengthDelimited).string(value);
}

function flag(writer: BinaryWriter, field: number, value: unknown): void {
  if (value === true) writer.tag(field, WireType.Varint).bool(true);
}

function entries(value: unknown): [string, Json][] {
  return Object.entries((value ?? {}) as Record<string, Json>);
}
