import { type Clock, errorMessage, type Logger } from '../../base/index.ts';
import {
  type CallRecord,
  CSI_PLUGIN_TYPE,
  type CsiClient,
  connectCsi,
  connectRegistration,
  type RegistrationClient,
  rpcErrorText,
  type Sockets,
} from '../../csi/index.ts';
import type { CsiDrivers, RegisteredDriver } from '../../volume/plugins/csi/index.ts';
import type { DriverNodeInfo } from './node-info.ts';
import type { NodeInfoManager } from './node-info-manager.ts';
import { negotiatedVersion, type Version } from './versions.ts';

export interface RegistrationOptions {
  readonly drivers: CsiDrivers;
  readonly nodeInfo: NodeInfoManager;
  readonly clock: Clock;
  readonly log: Logger;
  /** @default gRPC over Unix sockets */
  readonly sockets?: Sockets | undefined;
  readonly onCall?: ((driver: string) => (call: CallRecord) => void) | undefined;
}

/** A driver that this node has taken. */
export interface Registration {
  readonly name: string;
  readonly socketPath: string;
  readonly version: Version;
  readonly driver: RegisteredDriver;
}

interface PluginInfo {
  readonly type: string;
  readonly name: string;
  readonly endpoint: string;
  readonly supportedVersions: readonly string[];
}

/** For a socket that is there but not served yet. Source: dialTimeoutDuration of the kubelet's plugin manager. */
const DIAL_TIMEOUT_MS = 10_000;
const NOTIFY_TIMEOUT_MS = 5_000;
const NODE_GET_INFO_TIMEOUT_MS = 120_000;

/**
 * Takes drivers in and lets them go: GetInfo, validation, NodeGetInfo, Node and CSINode, NotifyRegistrationStatus.
 * Upstream: operationexecutor of pkg/kubelet/pluginmanager and RegistrationHandler of pkg/volume/csi.
 */
export class Registrations {
  readonly #options: RegistrationOptions;
  readonly #byName = new Map<string, Registration>();
  /** By endpoint: a driver whose registrar restarts keeps its connection, and the calls on it. */
  readonly #clients = new Map<string, CsiClient>();

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** @throws Error if the driver was not taken; it has been told why, if it could be. */
  async register(socketPath: string, signal: AbortSignal): Promise<Registration> {
    const { clock, sockets } = this.#options;
    const plugin = connectRegistration(socketPath, { clock, sockets });
    try {
      return await this.#negotiate(plugin, socketPath, signal);
    } finally {
      plugin.close();
    }
  }

  async #negotiate(
    plugin: RegistrationClient,
    socketPath: string,
    signal: AbortSignal,
  ): Promise<Registration> {
    const info = await this.#getInfo(plugin, socketPath, signal);
    const endpoint = info.endpoint || socketPath;
    const version = await this.#validate(plugin, info, endpoint, socketPath, signal);
    let registration: Registration;
    try {
      registration = await this.#install(info.name, endpoint, socketPath, version, signal);
    } catch (error) {
      // Half of it may have been written.
      if (!signal.aborted) await this.#options.nodeInfo.uninstall(info.name, signal).catch(() => undefined);
      return await refuse(
        plugin,
        `plugin registration failed with err: ${rpcErrorText(error)}`,
        error,
        signal,
      );
    }
    try {
      await notify(plugin, true, '', signal);
    } catch (error) {
      await this.unregister(registration, signal);
      throw new Error(
        `RegisterPlugin error -- failed to send registration status at socket ${socketPath}, err: ${rpcErrorText(error)}`,
        { cause: error },
      );
    }
    this.#options.log.info('CSI driver registered', { driver: info.name, endpoint });
    return registration;
  }

  async unregister(registration: Registration, signal: AbortSignal): Promise<void> {
    const { name, driver } = registration;
    const { drivers, nodeInfo, log } = this.#options;
    drivers.remove(driver);
    if (this.#byName.get(name) === registration) this.#byName.delete(name);
    await nodeInfo.uninstall(name, signal);
    log.info('CSI driver unregistered', { driver: name });
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #getInfo(plugin: RegistrationClient, socketPath: string, signal: AbortSignal): Promise<PluginInfo> {
    try {
      return await plugin.getInfo({}, { timeoutMs: DIAL_TIMEOUT_MS, waitForReady: true, signal });
    } catch (error) {
      throw new Error(
        `RegisterPlugin error -- failed to get plugin info using RPC GetInfo at socket ${socketPath}, err: ${rpcErrorText(error)}`,
        { cause: error },
      );
    }
  }

  async #validate(
    plugin: RegistrationClient,
    info: PluginInfo,
    endpoint: string,
    socketPath: string,
    signal: AbortSignal,
  ): Promise<Version> {
    if (info.type !== CSI_PLUGIN_TYPE) {
      const why = `no handler registered for plugin type: ${info.type} at socket ${socketPath}`;
      return await refuse(plugin, why, undefined, signal);
    }
    try {
      if (info.name === '') throw new Error('the plugin has no name');
      return negotiatedVersion(info.name, info.supportedVersions, this.#byName.get(info.name)?.version);
    } catch (error) {
      const why = `validation failed for CSI Driver ${info.name} at endpoint ${endpoint}: ${errorMessage(error)}`;
      return await refuse(plugin, `plugin validation failed with err: ${why}`, error, signal);
    }
  }

  async #install(
    name: string,
    endpoint: string,
    socketPath: string,
    version: Version,
    signal: AbortSignal,
  ): Promise<Registration> {
    const { drivers, nodeInfo } = this.#options;
    const client = this.#connect(endpoint, name);
    await nodeInfo.install(await nodeInfoOf(name, client, signal), signal);
    const driver = drivers.add(name, client, async (until) =>
      nodeInfo.update(await nodeInfoOf(name, client, until), until),
    );
    const registration = { name, socketPath, version, driver };
    this.#byName.set(name, registration);
    return registration;
  }

  #connect(endpoint: string, name: string): CsiClient {
    const known = this.#clients.get(endpoint);
    if (known) return known;
    const { clock, sockets, onCall } = this.#options;
    const client = connectCsi(endpoint, { clock, sockets, driver: name, onCall: onCall?.(name) });
    this.#clients.set(endpoint, client);
    return client;
  }
}

/** What the driver says about the node. */
async function nodeInfoOf(driver: string, client: CsiClient, signal: AbortSignal): Promise<DriverNodeInfo> {
  const { nodeId, maxVolumesPerNode, accessibleTopology } = await client.node.nodeGetInfo(
    {},
    { timeoutMs: NODE_GET_INFO_TIMEOUT_MS, waitForReady: true, signal },
  );
  const topology = accessibleTopology?.segments ?? {};
  return { driver, nodeId, maxVolumes: maxVolumesPerNode, topology };
}

async function notify(
  plugin: RegistrationClient,
  pluginRegistered: boolean,
  error: string,
  signal: AbortSignal,
): Promise<void> {
  await plugin.notifyRegistrationStatus(
    { pluginRegistered, error },
    { timeoutMs: NOTIFY_TIMEOUT_MS, signal },
  );
}

/** Tells the plugin why it is not taken, then throws that. */
async function refuse(
  plugin: RegistrationClient,
  why: string,
  cause: unknown,
  signal: AbortSignal,
): Promise<never> {
  const message = `RegisterPlugin error -- ${why}`;
  await notify(plugin, false, message, signal).catch(() => undefined);
  throw new Error(message, { cause });
}
