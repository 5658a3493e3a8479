import type { CallOptions } from './channel.ts';
import type { CsiClient } from './client.ts';
import {
  ControllerServiceCapability_RPC_Type as ControllerType,
  PluginCapability_VolumeExpansion_Type as ExpansionType,
  GroupControllerServiceCapability_RPC_Type as GroupType,
  NodeServiceCapability_RPC_Type as NodeType,
  PluginCapability_Service_Type as PluginType,
} from './generated/csi_pb.js';
import type { ControllerCapability, NodeCapability } from './server/handlers.ts';

export type PluginCapability = keyof typeof PluginType;
export type GroupControllerCapability = keyof typeof GroupType;

/** What a plugin says of itself as a whole. */
export interface PluginCapabilities {
  readonly services: ReadonlySet<PluginCapability>;
  readonly volumeExpansion: ReadonlySet<keyof typeof ExpansionType>;
}

/** GetPluginCapabilities, by name. Capabilities that this version of CSI does not know are left out. */
export async function pluginCapabilities(
  client: CsiClient,
  options?: CallOptions,
): Promise<PluginCapabilities> {
  const { capabilities } = await client.identity.getPluginCapabilities({}, options);
  const services = new Set<PluginCapability>();
  const volumeExpansion = new Set<keyof typeof ExpansionType>();
  for (const { type } of capabilities) {
    if (type.case === 'service') addName(services, PluginType, type.value.type);
    else if (type.case === 'volumeExpansion') addName(volumeExpansion, ExpansionType, type.value.type);
  }
  return { services, volumeExpansion };
}

/** ControllerGetCapabilities, by name. */
export async function controllerCapabilities(
  client: CsiClient,
  options?: CallOptions,
): Promise<ReadonlySet<ControllerCapability>> {
  const { capabilities } = await client.controller.controllerGetCapabilities({}, options);
  return rpcNames<ControllerCapability>(capabilities, ControllerType);
}

/** GroupControllerGetCapabilities, by name. */
export async function groupControllerCapabilities(
  client: CsiClient,
  options?: CallOptions,
): Promise<ReadonlySet<GroupControllerCapability>> {
  const { capabilities } = await client.groupController.groupControllerGetCapabilities({}, options);
  return rpcNames<GroupControllerCapability>(capabilities, GroupType);
}

/** NodeGetCapabilities, by name. */
export async function nodeCapabilities(
  client: CsiClient,
  options?: CallOptions,
): Promise<ReadonlySet<NodeCapability>> {
  const { capabilities } = await client.node.nodeGetCapabilities({}, options);
  return rpcNames<NodeCapability>(capabilities, NodeType);
}

type Rpc = { type: { case: 'rpc'; value: { type: number } } | { case: undefined; value?: undefined } };
type EnumObject = Readonly<Record<string | number, unknown>>;

function rpcNames<Name extends string>(capabilities: readonly Rpc[], names: EnumObject): ReadonlySet<Name> {
  const result = new Set<Name>();
  for (const { type } of capabilities) if (type.case === 'rpc') addName(result, names, type.value.type);
  return result;
}

function addName<Name extends string>(to: Set<Name>, names: EnumObject, value: number): void {
  const name = names[value];
  if (typeof name === 'string' && value !== 0) to.add(name as Name);
}
