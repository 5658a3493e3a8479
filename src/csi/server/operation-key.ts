import type { Message } from '@bufbuild/protobuf';

/**
 * What an RPC works on, as service, kind of thing, and the field that identifies it. Two operations with the
 * same key must not run at once; RPCs that are not listed only read and run freely.
 * A create is keyed by name: there is no id yet. Controller and Node do not exclude each other: they are separate
 * plugins, on separate machines as a rule.
 * Source: CSI specification, "Concurrency" and "Error Scheme" (operation pending for volume or snapshot).
 */
const OPERATIONS: Readonly<Record<string, readonly [kind: string, field: string]>> = {
  '/csi.v1.Controller/CreateVolume': ['volume name', 'name'],
  '/csi.v1.Controller/DeleteVolume': ['volume', 'volumeId'],
  '/csi.v1.Controller/ControllerPublishVolume': ['volume', 'volumeId'],
  '/csi.v1.Controller/ControllerUnpublishVolume': ['volume', 'volumeId'],
  '/csi.v1.Controller/ControllerExpandVolume': ['volume', 'volumeId'],
  '/csi.v1.Controller/ControllerModifyVolume': ['volume', 'volumeId'],
  '/csi.v1.Controller/CreateSnapshot': ['snapshot name', 'name'],
  '/csi.v1.Controller/DeleteSnapshot': ['snapshot', 'snapshotId'],
  '/csi.v1.GroupController/CreateVolumeGroupSnapshot': ['group snapshot name', 'name'],
  '/csi.v1.GroupController/DeleteVolumeGroupSnapshot': ['group snapshot', 'groupSnapshotId'],
  '/csi.v1.Node/NodeStageVolume': ['volume on the node', 'volumeId'],
  '/csi.v1.Node/NodeUnstageVolume': ['volume on the node', 'volumeId'],
  '/csi.v1.Node/NodePublishVolume': ['volume on the node', 'volumeId'],
  '/csi.v1.Node/NodeUnpublishVolume': ['volume on the node', 'volumeId'],
  '/csi.v1.Node/NodeExpandVolume': ['volume on the node', 'volumeId'],
};

/** The thing a call must have to itself, as words for a message: `volume "v1"`. `undefined`: none. */
export function operationKey(method: string, request: Message): string | undefined {
  const operation = OPERATIONS[method];
  if (!operation) return undefined;
  const [kind, field] = operation;
  return `${kind} ${JSON.stringify((request as unknown as Record<string, unknown>)[field])}`;
}
