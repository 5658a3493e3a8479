import type { JSONSchema, ValidationRule } from '../types.ts';

// A few words to write schemas with. A field whose name ends with ! is required.

type Extra = Omit<JSONSchema, 'type' | 'properties' | 'required' | 'items'>;

export const text = (description?: string, extra: Extra = {}): JSONSchema => ({
  type: 'string',
  description,
  ...extra,
});
export const bool = (description?: string): JSONSchema => ({ type: 'boolean', description });
export const int64 = (description?: string, extra: Extra = {}): JSONSchema => ({
  type: 'integer',
  format: 'int64',
  description,
  ...extra,
});
export const time = (description?: string): JSONSchema => ({
  type: 'string',
  format: 'date-time',
  description,
});
export const list = (items: JSONSchema, description?: string, extra: Extra = {}): JSONSchema => ({
  type: 'array',
  items,
  description,
  ...extra,
});
export const texts = (description?: string, extra: Extra = {}): JSONSchema => ({
  type: 'object',
  additionalProperties: { type: 'string' },
  description,
  ...extra,
});

export function object(
  fields: Readonly<Record<string, JSONSchema>>,
  description?: string,
  extra: Extra = {},
): JSONSchema {
  const names = Object.keys(fields);
  const required = names.filter((name) => name.endsWith('!')).map((name) => name.slice(0, -1));
  const properties = Object.fromEntries(names.map((name) => [name.replace(/!$/, ''), fields[name]!]));
  return {
    type: 'object',
    description,
    properties,
    ...(required.length > 0 ? { required } : undefined),
    ...extra,
  };
}

/** A whole resource: its own fields beside those that every one has. */
export function resource(fields: Readonly<Record<string, JSONSchema>>, description: string): JSONSchema {
  return object(
    {
      apiVersion: text('The version of the schema that this object is written in.'),
      kind: text('The kind of this object.'),
      metadata: { type: 'object' },
      ...fields,
    },
    description,
  );
}

export const rules = (...all: readonly (readonly [rule: string, message: string])[]): Extra => ({
  'x-kubernetes-validations': all.map(([rule, message]): ValidationRule => ({ rule, message })),
});

/** The value never changes. */
export const fixed = (message: string): Extra => rules(['self == oldSelf', message]);

/** Two fields of which there is always exactly one, and always the same. */
export function either(a: string, b: string, [first, second] = [a, b]): Extra {
  const once = (field: string) =>
    [`!has(oldSelf.${field}) || has(self.${field})`, `${field} is required once set`] as const;
  return rules(once(a), once(b), [
    `(has(self.${first}) && !has(self.${second})) || (!has(self.${first}) && has(self.${second}))`,
    `exactly one of ${first} and ${second} must be set`,
  ]);
}

export const DELETION_POLICY = text('Whether the snapshot in the storage system goes with its object.', {
  enum: ['Delete', 'Retain'],
});

/** A reference to an object, as content keeps it; always with a name and a namespace. */
export function reference(description: string, extra: Extra): JSONSchema {
  const names = ['apiVersion', 'fieldPath', 'kind', 'name', 'namespace', 'resourceVersion', 'uid'];
  return object(Object.fromEntries(names.map((name) => [name, text()])), description, {
    'x-kubernetes-map-type': 'atomic',
    ...extra,
  });
}

export const FAILURE = object(
  {
    message: text('What went wrong; it may be logged and so holds no secrets.'),
    time: time('When it went wrong.'),
  },
  'The last failure, if there was one.',
);
