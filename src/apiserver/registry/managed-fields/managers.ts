import { isDeepStrictEqual } from 'node:util';
import type { ObjectMeta } from '../../../kube/index.ts';
import { EMPTY, type FieldSet, isEmpty, union } from './field-set.ts';
import { readFieldSet } from './path-element.ts';

/** metav1.ManagedFieldsEntry as it is stored. */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly fieldsType: 'FieldsV1';
  readonly fieldsV1?: FieldSet;
  readonly subresource?: string;
}

export interface Managed {
  readonly entry: ManagedFieldsEntry;
  readonly fields: FieldSet;
}

/** Who owns what, by managerId. */
export type Managers = Map<string, Managed>;

/** More updaters than these are merged into one entry a version (upstream's DefaultMaxUpdateManagers). */
const MAX_UPDATERS = 10;
const ANCIENT = 'ancient-changes';

type Identity = Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'apiVersion' | 'subresource'>;

/** What tells entries apart: an applier is the same whatever version it applies in. Upstream's JSON, as it is sorted by. */
export function managerId({ manager, operation, apiVersion, subresource }: Identity): string {
  return JSON.stringify({
    manager: manager || undefined,
    operation,
    apiVersion: operation === 'Apply' ? undefined : apiVersion,
    subresource: subresource || undefined,
  });
}

/** Ids of stored entries: versions of an object share the entries that did not change. */
const ids = new WeakMap<ManagedFieldsEntry, string>();

function storedId(entry: ManagedFieldsEntry): string {
  let id = ids.get(entry);
  if (id === undefined) {
    id = managerId(entry);
    ids.set(entry, id);
  }
  return id;
}

/** The managers in entries that this server has written. */
export function storedManagers(entries: ObjectMeta['managedFields']): Managers {
  const managers: Managers = new Map();
  for (const entry of (entries ?? []) as unknown as ManagedFieldsEntry[])
    managers.set(storedId(entry), { entry, fields: entry.fieldsV1 ?? EMPTY });
  return managers;
}

/** The managers in entries that a client has sent; `undefined` when they are not valid. */
export function sentManagers(entries: unknown): Managers | undefined {
  if (!Array.isArray(entries)) return undefined;
  const managers: Managers = new Map();
  try {
    for (const entry of entries as ManagedFieldsEntry[]) {
      if (entry.operation !== 'Apply' && entry.operation !== 'Update') return undefined;
      if (!entry.apiVersion || entry.fieldsType !== 'FieldsV1') return undefined;
      managers.set(managerId(entry), { entry, fields: readFieldSet(entry.fieldsV1 ?? {}) });
    }
  } catch {
    return undefined;
  }
  return managers;
}

/** `[]` and `[{}]` ask to forget every owner. */
export function isReset(entries: unknown): boolean {
  if (!Array.isArray(entries)) return false;
  if (entries.length === 0) return true;
  return entries.length === 1 && isDeepStrictEqual(entries[0], {});
}

/** The entries of managers in upstream's order; `undefined` when there are none. */
export function toEntries(managers: Managers): readonly ManagedFieldsEntry[] | undefined {
  const entries = [...managers.values()]
    .filter(({ fields }) => !isEmpty(fields))
    .map(({ entry, fields }) => (entry.fieldsV1 === fields ? entry : { ...entry, fieldsV1: fields }));
  if (entries.length === 0) return undefined;
  return entries.sort(byOrder);
}

/**
 * `entries` with the times that `previous` has for the same managers and fields; `previous` itself when nothing but
 * times has changed: a write that changes nothing leaves the object alone.
 */
export function keepTimes(
  entries: readonly ManagedFieldsEntry[] | undefined,
  previous: ObjectMeta['managedFields'],
): readonly ManagedFieldsEntry[] | undefined {
  const before = storedManagers(previous);
  const kept = entries?.map((entry) => {
    const old = before.get(managerId(entry))?.entry;
    return old && isDeepStrictEqual({ ...entry, time: old.time }, { ...old, time: old.time }) ? old : entry;
  });
  const stored = previous as unknown as readonly ManagedFieldsEntry[] | undefined;
  if ((kept?.length ?? 0) !== (stored?.length ?? 0)) return kept;
  return kept?.every((entry) => stored!.includes(entry)) ? stored : kept;
}

/** Merges the oldest updaters into one bucket a version until there are few enough. */
export function capUpdaters(managers: Managers): void {
  const updaters = [...managers.keys()].filter((id) => managers.get(id)!.entry.operation === 'Update');
  let count = updaters.length;
  if (count <= MAX_UPDATERS) return;
  const seconds = (id: string) => Date.parse(managers.get(id)!.entry.time ?? '') || 0;
  updaters.sort((a, b) => seconds(a) - seconds(b) || (a < b ? -1 : 1));
  const first = new Map<string, string>();
  for (const id of updaters) {
    if (count <= MAX_UPDATERS) return;
    const { entry, fields } = managers.get(id)!;
    const opened = first.get(entry.apiVersion);
    if (opened === undefined) {
      first.set(entry.apiVersion, id);
      continue;
    }
    const { subresource: _, ...rest } = entry;
    const bucket = managerId({ ...rest, manager: ANCIENT });
    const older = managers.get(bucket) ?? managers.get(opened)!;
    if (bucket !== opened) managers.delete(opened);
    if (bucket !== id) managers.delete(id);
    managers.set(bucket, { entry: { ...rest, manager: ANCIENT }, fields: union(fields, older.fields) });
    first.set(entry.apiVersion, bucket);
    count--;
  }
}

function byOrder(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  return (
    order(a.operation, b.operation) ||
    order(a.time ?? '', b.time ?? '') ||
    order(a.manager ?? '', b.manager ?? '') ||
    order(a.apiVersion, b.apiVersion) ||
    order(a.subresource ?? '', b.subresource ?? '')
  );
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
