/** What a driver can do, as it says at init. */
export interface DriverCapabilities {
  readonly attach: boolean;
  readonly selinuxRelabel: boolean;
  readonly supportsMetrics: boolean;
  readonly fsGroup: boolean;
  readonly requiresFSResize: boolean;
}

/** What holds of a driver that says nothing. */
export const DEFAULT_CAPABILITIES: DriverCapabilities = {
  attach: true,
  selinuxRelabel: true,
  supportsMetrics: false,
  fsGroup: true,
  requiresFSResize: true,
};

/** What a driver answers. */
export interface DriverStatus {
  readonly status: string;
  readonly message: string;
  /** The path of the device, from attach and waitforattach. */
  readonly device: string;
  readonly volumeName: string;
  readonly attached: boolean;
  readonly capabilities: DriverCapabilities;
  readonly volumeNewSize: number;
}

const NOTHING_SAID: DriverStatus = {
  status: '',
  message: '',
  device: '',
  volumeName: '',
  attached: false,
  capabilities: DEFAULT_CAPABILITIES,
  volumeNewSize: 0,
};

/**
 * The status that a driver's output is; undefined where it does not support the command.
 * @throws Error if the output is no status, or tells of a failure.
 * Source: handleCmdResponse, pkg/volume/flexvolume.
 */
export function parseDriverStatus(command: string, output: string): DriverStatus | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(output);
  } catch (error) {
    // Words of the driver's own may hold what it was given: they are not repeated.
    const what = output.trim() === '' ? 'nothing' : `${output.length} bytes that are not JSON`;
    throw new Error(
      `${command} command failed: the driver wrote ${what}; a JSON object with a status is expected, and nothing beside it on standard output and error`,
      { cause: error instanceof SyntaxError ? undefined : error },
    );
  }
  const status = take(NOTHING_SAID, parsed, command, 'status');
  if (status.status === 'Not supported') return undefined;
  if (status.status !== 'Success')
    throw new Error(`${command} command failed, status: ${status.status}, reason: ${status.message}`);
  return status;
}

/**
 * The defaults with what `value` has of them: names match whatever their case, null says nothing, what is not known is
 * passed over, as Go's decoder has it.
 */
function take<T extends object>(defaults: T, value: unknown, command: string, at: string): T {
  if (value === null) return defaults;
  const wrong = (field: string, wanted: string) =>
    new Error(`${command} command failed: ${field} in the driver's answer is not ${wanted}`);
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong(at, 'an object');
  const names = new Map(Object.keys(defaults).map((name) => [name.toLowerCase(), name as keyof T & string]));
  const taken = { ...defaults };
  for (const [key, given] of Object.entries(value)) {
    const name = names.get(key.toLowerCase());
    if (name === undefined || given === null) continue;
    const before = taken[name];
    if (typeof before === 'object' && before !== null) {
      taken[name] = take(before, given, command, name) as T[keyof T & string];
    } else if (typeof given === typeof before) taken[name] = given;
    else throw wrong(name, `a ${typeof before}`);
  }
  return taken;
}
