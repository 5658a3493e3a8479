import {
  ControllerServiceCapability_RPC_Type as ControllerType,
  PluginCapability_VolumeExpansion_Type as ExpansionType,
  GroupControllerServiceCapability_RPC_Type as GroupType,
  NodeServiceCapability_RPC_Type as NodeType,
  PluginCapability_Service_Type as PluginType,
} from '../generated/csi_pb.js';
import type { CSI_SERVICES } from '../services.ts';
import type {
  ControllerService,
  CsiServices,
  GroupControllerService,
  Handlers,
  NodeService,
} from './handlers.ts';

type Evidence<Service, Type> = readonly (readonly [Type, readonly (keyof Service)[]])[];

/** The handlers that make up a capability. Source: CSI specification, ControllerServiceCapability. */
const CONTROLLER: Evidence<ControllerService, ControllerType> = [
  [ControllerType.CREATE_DELETE_VOLUME, ['createVolume', 'deleteVolume']],
  [ControllerType.PUBLISH_UNPUBLISH_VOLUME, ['controllerPublishVolume', 'controllerUnpublishVolume']],
  [ControllerType.LIST_VOLUMES, ['listVolumes']],
  [ControllerType.GET_CAPACITY, ['getCapacity']],
  [ControllerType.CREATE_DELETE_SNAPSHOT, ['createSnapshot', 'deleteSnapshot']],
  [ControllerType.LIST_SNAPSHOTS, ['listSnapshots']],
  [ControllerType.EXPAND_VOLUME, ['controllerExpandVolume']],
  [ControllerType.GET_VOLUME, ['controllerGetVolume']],
  [ControllerType.MODIFY_VOLUME, ['controllerModifyVolume']],
  [ControllerType.GET_SNAPSHOT, ['getSnapshot']],
];

const NODE: Evidence<NodeService, NodeType> = [
  [NodeType.STAGE_UNSTAGE_VOLUME, ['nodeStageVolume', 'nodeUnstageVolume']],
  [NodeType.GET_VOLUME_STATS, ['nodeGetVolumeStats']],
  [NodeType.EXPAND_VOLUME, ['nodeExpandVolume']],
];

const GROUP: Evidence<GroupControllerService, GroupType> = [
  [
    GroupType.CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT,
    ['createVolumeGroupSnapshot', 'deleteVolumeGroupSnapshot', 'getVolumeGroupSnapshot'],
  ],
];

/** GetPluginInfo and GetPluginCapabilities as the given services show them. */
export function derivedIdentity(services: CsiServices): Handlers<(typeof CSI_SERVICES)['identity']> {
  const { identity } = services;
  const types = [
    ...(services.controller ? [PluginType.CONTROLLER_SERVICE] : []),
    ...(services.groupController ? [PluginType.GROUP_CONTROLLER_SERVICE] : []),
    ...(services.snapshotMetadata ? [PluginType.SNAPSHOT_METADATA_SERVICE] : []),
    ...(identity.topology ? [PluginType.VOLUME_ACCESSIBILITY_CONSTRAINTS] : []),
  ];
  const capabilities = types.map((type) => ({ type: { case: 'service' as const, value: { type } } }));
  const expansion = identity.volumeExpansion && {
    type: { case: 'volumeExpansion' as const, value: { type: ExpansionType[identity.volumeExpansion] } },
  };
  return {
    getPluginInfo: () => ({
      name: identity.name,
      vendorVersion: identity.vendorVersion,
      manifest: { ...identity.manifest },
    }),
    getPluginCapabilities: () => ({ capabilities: expansion ? [...capabilities, expansion] : capabilities }),
    probe: () => ({ ready: true }),
  };
}

/** @throws Error if a capability is implemented by half (createVolume without deleteVolume). */
export function derivedController(service: ControllerService): Handlers<(typeof CSI_SERVICES)['controller']> {
  const types = controllerTypes(service);
  return { controllerGetCapabilities: () => ({ capabilities: types.map(rpcCapability) }) };
}

/** @throws Error if a capability is implemented by half. */
export function derivedNode(service: NodeService): Handlers<(typeof CSI_SERVICES)['node']> {
  const types = nodeTypes(service);
  return { nodeGetCapabilities: () => ({ capabilities: types.map(rpcCapability) }) };
}

/**
 * What a driver can do, by the names of its capabilities; `undefined` of a service that answers for itself, which may
 * say another thing each time.
 */
export interface Declared {
  readonly topology: boolean;
  readonly controller: ReadonlySet<string> | undefined;
  readonly node: ReadonlySet<string> | undefined;
}

/** @throws Error if a capability is implemented by half. */
export function declared({ identity, controller, node }: CsiServices): Declared {
  const known = controller && !controller.controllerGetCapabilities;
  const nodeKnown = node && !node.nodeGetCapabilities;
  return {
    topology: identity.topology ?? false,
    controller: known ? new Set(controllerTypes(controller).map((type) => ControllerType[type])) : undefined,
    node: nodeKnown ? new Set(nodeTypes(node).map((type) => NodeType[type])) : undefined,
  };
}

function controllerTypes(service: ControllerService): ControllerType[] {
  const stated = statedTypes('controller', service.capabilities, ControllerType);
  return derive('controller', service, CONTROLLER, stated, ControllerType);
}

function nodeTypes(service: NodeService): NodeType[] {
  const stated = statedTypes('node', service.capabilities, NodeType);
  return derive('node', service, NODE, stated, NodeType);
}

/** @throws Error if a capability is implemented in part. */
export function derivedGroupController(
  service: GroupControllerService,
): Handlers<(typeof CSI_SERVICES)['groupController']> {
  const types = derive('groupController', service, GROUP, [], GroupType);
  return { groupControllerGetCapabilities: () => ({ capabilities: types.map(rpcCapability) }) };
}

function statedTypes<Name extends string, Type extends number>(
  serviceName: string,
  stated: readonly Name[] | undefined,
  types: Readonly<Record<Name, Type>>,
): Type[] {
  return (stated ?? []).map((name) => {
    const type: Type | undefined = types[name];
    if (type === undefined)
      throw new Error(`CSI ${serviceName}: there is no capability ${JSON.stringify(name)}`);
    return type;
  });
}

function rpcCapability<Type>(type: Type) {
  return { type: { case: 'rpc' as const, value: { type } } };
}

function derive<Service extends object, Type extends number>(
  serviceName: string,
  service: Service,
  evidence: Evidence<Service, Type>,
  stated: readonly Type[],
  names: Readonly<Record<number, string>>,
): Type[] {
  const types = new Set(stated);
  for (const [type, handlers] of evidence) {
    const missing = handlers.filter((handler) => service[handler] === undefined);
    if (missing.length === 0) types.add(type);
    else if (missing.length < handlers.length || types.has(type)) {
      throw new Error(
        `CSI ${serviceName}: ${names[type]} needs the handlers ${handlers.join(', ')}; missing: ${missing.join(', ')}`,
      );
    }
  }
  return [...types].sort((a, b) => a - b);
}
