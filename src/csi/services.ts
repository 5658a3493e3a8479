import type { DescMethod } from '@bufbuild/protobuf';
import { Controller, GroupController, Identity, Node, SnapshotMetadata } from './generated/csi_pb.js';

/** The services of CSI under the names that the client and the server toolkit use. */
export const CSI_SERVICES = {
  identity: Identity,
  controller: Controller,
  groupController: GroupController,
  snapshotMetadata: SnapshotMetadata,
  node: Node,
} as const;

export type CsiServiceName = keyof typeof CSI_SERVICES;
export const CSI_SERVICE_NAMES = Object.keys(CSI_SERVICES) as CsiServiceName[];

/** The full gRPC name of a method: `/csi.v1.Controller/CreateVolume`. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
