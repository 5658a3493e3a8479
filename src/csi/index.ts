export { csiAccessMode, type VolumeCapabilityInit } from './access-mode.ts';
export { callMetrics, driverCallMetrics, operationMetrics } from './call-metrics.ts';
export type { Channel, ChannelCallOptions } from './channel.ts';
export { type CsiClient, connectCsi, csiClient } from './client.ts';
export { Code, type CodeName, codeName } from './codes.ts';
export {
  controllerCapabilities,
  groupControllerCapabilities,
  nodeCapabilities,
  type PluginCapability,
  pluginCapabilities,
} from './driver-capabilities.ts';
export { parseEndpoint, socketPathProblem } from './endpoint.ts';
export {
  CsiError,
  goCodeName,
  isFinalError,
  isInfeasibleError,
  provisioningState,
  rpcErrorText,
} from './error.ts';
/** The messages and enums of CSI, as generated. */
export * as csi from './generated/csi_pb.js';
/** What clusters offer in front of CSI's SnapshotMetadata, as generated. */
export * as snapshotMetadataApi from './generated/snapshot-metadata_pb.js';
export { HealthService } from './health.ts';
export { serveInMemory } from './in-memory.ts';
export { memoryChannel } from './memory-channel.ts';
export { memorySockets } from './memory-sockets.ts';
export {
  CSI_PLUGIN_TYPE,
  connectRegistration,
  type RegistrationClient,
  serveRegistration,
} from './registration.ts';
export { redact, secretValues, stripSecrets } from './secrets.ts';
export type { SocketServer } from './server/grpc-server.ts';
export type {
  ControllerCapability,
  ControllerService,
  CsiServices,
  Handlers,
  NodeCapability,
  NodeService,
} from './server/handlers.ts';
export { createRoutes, type Routes } from './server/router.ts';
export { serveCsi } from './server/serve.ts';
export { type ServerKeyPair, serveTls, type TlsDemands, type TlsServer } from './server/tls-server.ts';
export type { CallRecord } from './service-client.ts';
export { methodPath } from './services.ts';
export { type Sockets, unixSockets } from './sockets.ts';
export { CsiStatus } from './status.ts';
export { waitForDriver } from './wait-for-driver.ts';
