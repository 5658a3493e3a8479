export type { CallOptions } from './channel.ts';
export { type CsiClient, type CsiClientOptions, connectCsi } from './client.ts';
export { Code, type CodeName, codeName } from './codes.ts';
export {
  controllerCapabilities,
  type GroupControllerCapability,
  groupControllerCapabilities,
  nodeCapabilities,
  type PluginCapabilities,
  type PluginCapability,
  pluginCapabilities,
} from './driver-capabilities.ts';
export { parseEndpoint } from './endpoint.ts';
export { CsiError, isFinalError, type ProvisioningState, provisioningState } from './error.ts';
/** The messages and enums of CSI, as generated. */
export * as csi from './generated/csi_pb.js';
export { connectInMemory, type InMemoryDriver, serveInMemory } from './in-memory.ts';
export {
  CSI_PLUGIN_TYPE,
  connectRegistration,
  type RegistrationClient,
  type ServeRegistrationOptions,
  serveRegistration,
} from './registration.ts';
export { stripSecrets } from './secrets.ts';
export type { SocketServer } from './server/grpc-server.ts';
export type {
  ControllerCapability,
  ControllerService,
  CsiServices,
  GroupControllerService,
  Handler,
  HandlerContext,
  IdentityService,
  NodeCapability,
  NodeService,
  SnapshotMetadataService,
} from './server/handlers.ts';
export { type ServeCsiOptions, serveCsi } from './server/serve.ts';
export type { CallRecord, ServiceClient } from './service-client.ts';
export { CsiStatus } from './status.ts';
export { waitForDriver } from './wait-for-driver.ts';
