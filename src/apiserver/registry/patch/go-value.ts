/** A JSON value as Go prints it with %v: maps in the order of their keys, no quotes, no commas. */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([name, inner]) => `${name}:${goValue(inner)}`).join(' ')}]`;
}
