import { basename, join } from 'node:path';
import { errorMessage, TimeoutError } from '../../../base/index.ts';
import type { Host } from '../../../host/index.ts';
import { unescapePluginName } from '../../paths.ts';
import {
  DEFAULT_CAPABILITIES,
  type DriverCapabilities,
  type DriverStatus,
  parseDriverStatus,
} from './driver-status.ts';

export type DriverCommand =
  | 'init'
  | 'getvolumename'
  | 'attach'
  | 'waitforattach'
  | 'isattached'
  | 'mountdevice'
  | 'detach'
  | 'unmountdevice'
  | 'mount'
  | 'unmount'
  | 'expandvolume'
  | 'expandfs';

/** How long a call may take. Upstream waits so long for waitforattach, and for all others without end. */
const CALL_LIMIT_MS = 600_000;
const MAX_OUTPUT_BYTES = 64 * 1024;

export interface DriverCallOptions {
  readonly signal: AbortSignal;
  /** What no error may tell. */
  readonly secrets?: readonly string[];
  /** @default that of the driver */
  readonly limitMs?: number;
}

/** `VENDOR~DRIVER` is the driver VENDOR/DRIVER. */
export const driverNameOf = unescapePluginName;

/** DIRECTORY/VENDOR~DRIVER/DRIVER */
export function executableOf(directory: string, driverDirectory: string): string {
  return join(directory, driverDirectory, basename(driverNameOf(driverDirectory)));
}

export interface FlexDriverOptions {
  readonly host: Pick<Host, 'processes'>;
  readonly name: string;
  readonly executable: string;
  /** @default 10 minutes */
  readonly callLimitMs?: number;
}

/** An executable that is called for each step of a volume's life. */
export class FlexDriver {
  readonly name: string;
  readonly executable: string;
  readonly #processes: Pick<Host, 'processes'>['processes'];
  readonly #limitMs: number;
  #capabilities = DEFAULT_CAPABILITIES;
  readonly #unsupported = new Set<DriverCommand>();

  constructor({ host, name, executable, callLimitMs }: FlexDriverOptions) {
    this.name = name;
    this.executable = executable;
    this.#processes = host.processes;
    this.#limitMs = callLimitMs ?? CALL_LIMIT_MS;
  }

  get capabilities(): DriverCapabilities {
    return this.#capabilities;
  }

  /** Asks what it can do. What was known of it, perhaps of an older one, is forgotten. */
  async init(options: DriverCallOptions): Promise<void> {
    this.#unsupported.clear();
    const status = await this.call('init', [], options);
    if (!status) throw new Error('init command failed, status: Not supported, reason: ');
    this.#capabilities = status.capabilities;
  }

  /**
   * Calls the driver. Undefined when it does not support the command, which it is then not asked for again.
   * @throws Error that tells no secret and not the driver's arguments.
   * Source: DriverCall.Run, pkg/volume/flexvolume; the limits on time and output go beyond it.
   */
  async call(
    command: DriverCommand,
    args: readonly string[],
    { signal, secrets = [], limitMs = this.#limitMs }: DriverCallOptions,
  ): Promise<DriverStatus | undefined> {
    if (this.#unsupported.has(command)) return undefined;
    try {
      const { exitCode, stdout, stderr } = await this.#processes.exec(this.executable, [command, ...args], {
        timeoutMs: limitMs,
        maxOutputBytes: MAX_OUTPUT_BYTES,
        argumentsAreSecret: true,
        signal,
      });
      const status = parseDriverStatus(command, stdout + stderr);
      if (!status) this.#unsupported.add(command);
      else if (exitCode !== 0)
        throw new Error(
          `${command} command failed: ${this.executable} says Success, but exit status ${exitCode}`,
        );
      return status;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof TimeoutError)
        throw new Error(
          `${command} command failed: ${this.executable} did not end within ${limitMs / 1000} s; it was killed with all that it started`,
        );
      throw new Error(redact(errorMessage(error), secrets));
    }
  }
}

/** Decoded, shorter ones are in every text. */
const LEAST_REDACTED = 4;

/** The text without the secrets, as they are and decoded. */
function redact(text: string, secrets: readonly string[]): string {
  const decoded = secrets.map((secret) => Buffer.from(secret, 'base64').toString('utf8').trim());
  return [...secrets, ...decoded.filter((form) => form.length >= LEAST_REDACTED)]
    .filter((form) => form !== '')
    .sort((a, b) => b.length - a.length)
    .reduce((rest, form) => rest.replaceAll(form, '***stripped***'), text);
}
