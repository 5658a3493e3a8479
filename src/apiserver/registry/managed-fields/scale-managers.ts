import type { ObjectMeta } from '../../../kube/index.ts';
import { below, difference, type FieldSet, FieldSetBuilder, isMember } from './field-set.ts';
import { type ManagedFieldsEntry, type Managers, managerId, storedManagers, toEntries } from './managers.ts';

// Who owns a Scale's replicas is who owns those of the object behind it. Source: Kubernetes 1.36,
// apimachinery/pkg/util/managedfields/scalehandler.go.

/** Where the objects of a kind keep their replicas, by apiVersion; `null`: that version has no Scale. */
export type ReplicasPaths = Readonly<Record<string, readonly string[] | null>>;

type Entries = ObjectMeta['managedFields'];

const SCALE_VERSION = 'autoscaling/v1';
const REPLICAS_OF_SCALE = setOf(['spec', 'replicas']);

/** The managedFields of the Scale of an object with these managedFields. */
export function scaleManagers(parent: Entries, paths: ReplicasPaths): Entries {
  const managers: Managers = new Map();
  for (const { entry, fields } of storedManagers(parent).values()) {
    const path = paths[entry.apiVersion];
    if (!path || !has(fields, path)) continue;
    const asScale = { ...entry, apiVersion: SCALE_VERSION };
    managers.set(managerId(asScale), { entry: asScale, fields: REPLICAS_OF_SCALE });
  }
  return toEntries(managers) as Entries;
}

/**
 * The managedFields of the object whose Scale has been given these. Who no longer owns the Scale's replicas loses the
 * object's; who does so newly gets an entry of `apiVersion`, without a time, as upstream writes it.
 */
export function parentManagers(
  parent: Entries,
  scale: Entries,
  paths: ReplicasPaths,
  apiVersion: string,
): readonly ManagedFieldsEntry[] | undefined {
  const managers: Managers = new Map();
  const owners = storedManagers(scale);
  for (const [id, managed] of storedManagers(parent)) {
    const path = paths[managed.entry.apiVersion];
    if (path === undefined) continue;
    const isOwner = owners.delete(managerId({ ...managed.entry, apiVersion: SCALE_VERSION }));
    const kept =
      path === null || isOwner || !has(managed.fields, path)
        ? managed
        : { ...managed, fields: difference(managed.fields, setOf(path)) };
    managers.set(id, kept);
  }
  for (const { entry, fields } of owners.values()) {
    if (!has(fields, ['spec', 'replicas'])) continue;
    const { time: _, ...untimed } = entry;
    const own = { ...untimed, apiVersion };
    managers.set(managerId(own), { entry: own, fields: setOf(paths[apiVersion] ?? []) });
  }
  return toEntries(managers);
}

function setOf(path: readonly string[]): FieldSet {
  const set = new FieldSetBuilder();
  set.add(path.map((name) => `f:${name}`));
  return set.build();
}

function has(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const name of path) node = node && below(node, `f:${name}`);
  return node !== undefined && isMember(node);
}
