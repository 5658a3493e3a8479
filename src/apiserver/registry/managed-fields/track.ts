import { rfc3339 } from '../../../base/index.ts';
import { apiVersionOf, type KubeObject, type Resource, type Stored } from '../../../kube/index.ts';
import { blank } from './blank.ts';
import { type Comparison, compare } from './compare.ts';
import {
  difference,
  EMPTY,
  type FieldSet,
  intersection,
  isEmpty,
  union,
  withoutFields,
} from './field-set.ts';
import { ownable } from './fields-of.ts';
import {
  capUpdaters,
  isReset,
  type ManagedFieldsEntry,
  type Managers,
  managerId,
  sentManagers,
  storedManagers,
  toEntries,
} from './managers.ts';
import { rememberedSet } from './outline.ts';
import { type Shape, shapeOfKind } from './shape.ts';

/** A write as managedFields sees it. */
export interface TrackedWrite {
  readonly resource: Resource & {
    readonly subresources: readonly string[];
    readonly custom?: { readonly shape: Shape };
  };
  /** Who writes. */
  readonly manager: string;
  readonly subresource?: string;
  /** Wall time in milliseconds. */
  readonly nowMs: number;
}

/** Managers of objects that nobody tracked, from their first apply on. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

/** The managedFields of a new object: all of it is its maker's. `sent` is what the client put there. */
export function trackCreate(
  write: TrackedWrite,
  object: KubeObject,
  sent: unknown,
): readonly ManagedFieldsEntry[] | undefined {
  const shape = shapeOf(write);
  const own = rememberedSet(shape, object, () => {
    const { added } = filtered(write, compare(shape, blank(write.resource, object), object));
    return ownable(added);
  });
  const entry = isEmpty(own) ? undefined : { ...entryOf(write, 'Update'), fieldsV1: own };
  const others = sent === undefined || isReset(sent) ? undefined : sentManagers(sent);
  if (!others || others.size === 0) return entry && Object.freeze([Object.freeze(entry)]);
  return toEntries(claimed(write, others, { written: own, removed: EMPTY }));
}

/**
 * The managedFields after an update or a patch: what it changed is its manager's now, and nobody else's. Objects
 * without managedFields stay without: they are tracked from their first apply on. `sent` is what the client put there.
 */
export function trackUpdate(
  write: TrackedWrite,
  previous: Stored<KubeObject>,
  next: KubeObject,
  sent: unknown,
): readonly ManagedFieldsEntry[] | undefined {
  const stored = previous.metadata.managedFields;
  const live = stored as unknown as readonly ManagedFieldsEntry[] | undefined;
  // A subresource cannot change managedFields by hand.
  const isEdited = sent !== undefined && sent !== stored && write.subresource === undefined;
  if (isEdited && isReset(sent)) return undefined;
  const edited = isEdited ? sentManagers(sent) : undefined;
  const base = edited && edited.size > 0 ? edited : undefined;
  if (!base && (next === previous || !live || live.length === 0)) return live;
  const managers = base ?? storedManagers(stored);
  const changes = filtered(write, compare(shapeOf(write), previous, next));
  return toEntries(updated(write, managers, changes));
}

/** The managers of an object whose first apply comes now. */
export function managersBeforeApply(write: TrackedWrite, live: Stored<KubeObject>): Managers {
  const managers = storedManagers(live.metadata.managedFields);
  if (managers.size > 0) return managers;
  const changes = filtered(write, compare(shapeOf(write), blank(write.resource, live), live));
  return updated({ ...write, manager: BEFORE_FIRST_APPLY }, managers, changes);
}

export function shapeOf({ resource: { group, version, kind, custom } }: TrackedWrite): Shape {
  return custom?.shape ?? shapeOfKind(group, version, kind);
}

/** What a write may own: status belongs to writes of /status, and the rest of it does not (GetResetFields). */
export function writable({ resource, subresource }: TrackedWrite, set: FieldSet): FieldSet {
  if (subresource === 'status') return withoutFields(set, ['spec']);
  return resource.subresources.includes('status') ? withoutFields(set, ['status']) : set;
}

/** What a write changed, without what it may not touch. */
export function filtered(write: TrackedWrite, { added, modified, removed }: Comparison): Comparison {
  return {
    added: writable(write, added),
    modified: writable(write, modified),
    removed: writable(write, removed),
  };
}

/** Entries of versions that this kind never had are dropped, as upstream drops them. */
export function isOfGroup(
  { resource: { group } }: TrackedWrite,
  { apiVersion }: ManagedFieldsEntry,
): boolean {
  return (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '') === group;
}

export function entryOf(
  { resource, manager, subresource, nowMs }: TrackedWrite,
  operation: 'Apply' | 'Update',
): ManagedFieldsEntry {
  return {
    manager: manager || 'unknown',
    operation,
    apiVersion: apiVersionOf(resource),
    time: rfc3339(nowMs),
    fieldsType: 'FieldsV1',
    fieldsV1: EMPTY,
    ...(subresource ? { subresource } : undefined),
  };
}

function updated(
  write: TrackedWrite,
  managers: Managers,
  { added, modified, removed }: Comparison,
): Managers {
  return claimed(write, managers, { written: union(added, modified), removed });
}

function claimed(
  write: TrackedWrite,
  managers: Managers,
  { written, removed }: { written: FieldSet; removed: FieldSet },
): Managers {
  const result: Managers = new Map();
  for (const [id, { entry, fields }] of managers) {
    if (!isOfGroup(write, entry)) continue;
    const left = difference(difference(fields, intersection(fields, written)), removed);
    if (!isEmpty(left)) result.set(id, { entry, fields: left });
  }
  const own = ownable(written);
  if (!isEmpty(own)) {
    const entry = entryOf(write, 'Update');
    const id = managerId(entry);
    result.set(id, { entry, fields: union(own, result.get(id)?.fields ?? EMPTY) });
  }
  capUpdaters(result);
  return result;
}
