export type JsonObject = Record<string, unknown>;

/** How a value is written. */
export type WireType =
  | { readonly kind: 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes' }
  | { readonly kind: 'list' | 'map'; readonly of: WireType }
  | { readonly kind: 'message'; readonly model: string }
  /** A value that JSON has as it is and protobuf as a small message. */
  | { readonly kind: 'form'; readonly form: Form };

export interface WireField {
  readonly number: number;
  readonly name: string;
  readonly type: WireType;
  /** Go holds it by value, not by pointer: its zero is written too, and means that it is absent. */
  readonly byValue: boolean;
  /** The JSON has it even when it is zero. */
  readonly required: boolean;
}

/** Fields of the object itself that protobuf puts into a message of their own (Go's embedded structs). */
export interface EmbeddedFields {
  readonly number: number;
  readonly embedded: WireMessage;
}

/** A message's fields, in the order of their numbers, which is that of the bytes. */
export interface WireMessage {
  readonly goName: string;
  readonly fields: readonly (WireField | EmbeddedFields)[];
  readonly byNumber: ReadonlyMap<number, WireField | EmbeddedFields>;
}

export function wireMessage(goName: string, fields: readonly (WireField | EmbeddedFields)[]): WireMessage {
  return { goName, fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
}

/** A value that JSON has as it is and protobuf as a small message. */
export interface Form {
  readonly message: WireMessage;
  /** The message's fields for a value. */
  pack(value: unknown): JsonObject;
  /** The value of a message's fields. @throws WireError */
  unpack(parts: JsonObject): unknown;
  /** What an empty message stands for, and what Go writes where nothing is. */
  readonly zero: unknown;
}

/** The JSON that Go's zero value stands for; `undefined` where that is nothing. */
export function zeroOf(type: WireType): unknown {
  switch (type.kind) {
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
      return 0;
    case 'message':
      return {};
    case 'form':
      return type.form.zero;
    default:
      return undefined;
  }
}
