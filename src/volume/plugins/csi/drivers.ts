import { type Clock, TimeoutError, withDeadline } from '../../../base/index.ts';
import { type CsiClient, type NodeCapability, nodeCapabilities } from '../../../csi/index.ts';
import { CSI_TIMEOUT_MS } from './timeout.ts';

/** A CSI driver that is registered on this node. */
export interface RegisteredDriver {
  readonly name: string;
  readonly client: CsiClient;
  /** What NodeGetCapabilities said; asked once. Rejects as the call does, and is then asked again. */
  capabilities(): Promise<ReadonlySet<NodeCapability>>;
  /** Asks the driver about the node again, and writes down what has changed (updateCSIDriver). */
  updateNodeInfo(signal: AbortSignal): Promise<void>;
}

/** A driver registers after the node has begun to work, and again after its restart: so long it is waited for. */
const REGISTRATION_PATIENCE_MS = 2_000;

/** The drivers of a node: filled by the plugin manager, used by the CSI plugin. */
export class CsiDrivers {
  readonly #clock: Clock;
  readonly #drivers = new Map<string, RegisteredDriver>();
  readonly #waiting = new Set<() => void>();
  readonly #listeners = new Set<(name: string) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a driver, or replaces one of its name. */
  add(
    name: string,
    client: CsiClient,
    updateNodeInfo: RegisteredDriver['updateNodeInfo'] = async () => {},
  ): RegisteredDriver {
    let known: Promise<ReadonlySet<NodeCapability>> | undefined;
    const driver: RegisteredDriver = {
      name,
      client,
      updateNodeInfo,
      capabilities() {
        known ??= nodeCapabilities(client, { timeoutMs: CSI_TIMEOUT_MS }).catch((error: unknown) => {
          known = undefined;
          throw error;
        });
        return known;
      },
    };
    this.#drivers.set(name, driver);
    for (const wake of this.#waiting) wake();
    this.#changed(name);
    return driver;
  }

  /** Removes a driver, if it is still the one given. */
  remove(driver: RegisteredDriver): void {
    if (this.#drivers.get(driver.name) !== driver) return;
    this.#drivers.delete(driver.name);
    this.#changed(driver.name);
  }

  /** Calls back with the name of each driver that has come or gone, until the returned function is called. */
  onChange(callback: (name: string) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  get(name: string): RegisteredDriver | undefined {
    return this.#drivers.get(name);
  }

  /**
   * The driver, waited for a little if it is not registered (yet, or just now).
   * @throws Error with upstream's text if it does not come.
   */
  async find(name: string, signal: AbortSignal): Promise<RegisteredDriver> {
    const found = this.#drivers.get(name);
    if (found) return found;
    let wake = () => {};
    let aborted = () => {};
    const arrival = new Promise<RegisteredDriver>((resolve, reject) => {
      wake = () => {
        const driver = this.#drivers.get(name);
        if (driver) resolve(driver);
      };
      aborted = () => reject(signal.reason);
      this.#waiting.add(wake);
      signal.addEventListener('abort', aborted, { once: true });
    });
    try {
      return await withDeadline(this.#clock, REGISTRATION_PATIENCE_MS, `CSI driver ${name}`, arrival);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    } finally {
      this.#waiting.delete(wake);
      signal.removeEventListener('abort', aborted);
    }
  }

  #changed(name: string): void {
    for (const listener of this.#listeners) listener(name);
  }
}
