import type { CSINode, CSINodeDriver } from './types.ts';

/**
 * The drivers of a node, or the one of a name. Clients and servers in Go write an empty list as null in JSON and as
 * nothing in protobuf, though the field is required.
 */
export function driversOf(csiNode: CSINode | undefined): readonly CSINodeDriver[] {
  return csiNode?.spec?.drivers ?? [];
}

export function driverOf(csiNode: CSINode | undefined, driver: string): CSINodeDriver | undefined {
  return driversOf(csiNode).find(({ name }) => name === driver);
}
