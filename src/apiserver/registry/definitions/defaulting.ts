/** The object with the fields that it lacks set; the object itself when it lacks none. */
export function fill<T extends object>(object: T, defaults: Partial<T>): T {
  let result = object;
  for (const name of Object.keys(defaults) as (keyof T)[]) {
    const value = object[name] as unknown;
    if (value !== undefined || defaults[name] === undefined) continue;
    if (result === object) result = { ...object };
    result[name] = defaults[name] as T[keyof T];
  }
  return result;
}

/** The object with one present field changed; itself when the field is absent or does not change. */
export function change<T extends object, K extends keyof T>(
  object: T,
  name: K,
  how: (value: NonNullable<T[K]>) => T[K],
): T {
  const value = object[name];
  if (value === undefined || value === null) return object;
  const next = how(value);
  return next === value ? object : { ...object, [name]: next };
}

/** The list with every item changed; itself when none changes. */
export function each<T>(list: readonly T[], how: (item: T) => T): readonly T[] {
  const next = list.map(how);
  return next.every((item, index) => item === list[index]) ? list : next;
}
