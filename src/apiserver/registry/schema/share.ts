/** Sets an own property whatever its name: plain assignment would make `__proto__` the prototype. */
export function setOwn(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  } else target[name] = value;
}

/**
 * A frozen copy of plain JSON data; `previous` itself, or parts of it, where nothing differs. Undefined fields are
 * dropped, dates become RFC 3339 text, as JSON writes them.
 */
export function copyFrozen(value: unknown, previous?: unknown): unknown {
  if (value === previous || typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    const before = Array.isArray(previous) ? previous : undefined;
    let same = before?.length === value.length;
    const copy = value.map((item, index) => {
      const shared = item === undefined ? null : copyFrozen(item, before?.[index]);
      if (shared !== before?.[index]) same = false;
      return shared;
    });
    return same ? before : Object.freeze(copy);
  }
  const source = value as Record<string, unknown>;
  const before =
    typeof previous === 'object' && previous !== null && !Array.isArray(previous)
      ? (previous as Record<string, unknown>)
      : undefined;
  const copy: Record<string, unknown> = {};
  let same = before !== undefined;
  let count = 0;
  for (const name of Object.keys(source)) {
    if (source[name] === undefined) continue;
    const old = before && Object.hasOwn(before, name) ? before[name] : undefined;
    const shared = copyFrozen(source[name], old);
    setOwn(copy, name, shared);
    count++;
    if (shared !== old) same = false;
  }
  return same && count === Object.keys(before!).length ? before : Object.freeze(copy);
}

/**
 * As copyFrozen without a previous version, of data whose frozen parts are such copies already: those are taken as they
 * are.
 */
export function freezeRest(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => freezeRest(item ?? null)));
  if (value instanceof Date) return value.toISOString();
  const source = value as Record<string, unknown>;
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(source)) {
    if (source[name] !== undefined) setOwn(copy, name, freezeRest(source[name]));
  }
  return Object.freeze(copy);
}
