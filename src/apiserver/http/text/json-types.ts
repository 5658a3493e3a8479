/** As encoding/json names what it finds. */
export function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** What is wrong with the types of a value's apiVersion and kind, in encoding/json's words. */
export function typeProblem(value: unknown): string | undefined {
  const into =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
  if (typeof value !== 'object' || Array.isArray(value))
    return `json: cannot unmarshal ${goTypeOf(value)} into Go value of type ${into}`;
  for (const name of ['kind', 'apiVersion'] as const) {
    const found = (value as Record<string, unknown>)[name] ?? '';
    if (typeof found !== 'string')
      return `json: cannot unmarshal ${goTypeOf(found)} into Go struct field .${name} of type string`;
  }
  return undefined;
}
