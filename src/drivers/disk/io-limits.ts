import { Code, CsiStatus } from '../../csi/index.ts';
import type { Files } from '../../host/index.ts';
import { isQuantity, quantityValue } from '../../kube/index.ts';

/** What can be limited, by the mutable parameter for it: how cgroup v2 (io.max) and v1 (blkio.throttle.…_device) call it. */
const LIMITS = {
  readBytesPerSecond: { max: 'rbps', throttle: 'read_bps' },
  writeBytesPerSecond: { max: 'wbps', throttle: 'write_bps' },
  readIops: { max: 'riops', throttle: 'read_iops' },
  writeIops: { max: 'wiops', throttle: 'write_iops' },
} as const;

type LimitName = keyof typeof LIMITS;
const NAMES = Object.keys(LIMITS) as LimitName[];

/** How much may be read from and written to a volume a second, as whole numbers; what is not named is not limited. */
export type IoLimits = { readonly [Name in LimitName]?: string };

/** What sidecars add to parameters, for everybody's information. */
const SIDECAR_PREFIX = 'csi.storage.k8s.io/';
/** What the kernel holds. */
const MOST = 2n ** 63n - 1n;

/**
 * The limits that mutable parameters ask for: quantities, above zero.
 * @throws CsiStatus INVALID_ARGUMENT for any other parameter or value.
 */
export function limitsOf(parameters: Readonly<Record<string, string>>): IoLimits {
  const given = Object.entries(parameters).filter(([name]) => !name.startsWith(SIDECAR_PREFIX));
  return Object.fromEntries(
    given.map(([name, value]) => {
      if (!Object.hasOwn(LIMITS, name)) {
        throw new CsiStatus(
          Code.INVALID_ARGUMENT,
          `unknown mutable parameter ${JSON.stringify(name)}: use ${NAMES.join(', ')}`,
        );
      }
      const amount = isQuantity(value) ? quantityValue(value) : 0n;
      if (amount <= 0n || amount > MOST) {
        throw new CsiStatus(
          Code.INVALID_ARGUMENT,
          `mutable parameter ${name}: ${JSON.stringify(value)} is no quantity above zero, such as "20Mi" or "500"`,
        );
      }
      return [name, amount.toString()];
    }),
  );
}

/** Whether a record holds limits as `limitsOf` makes them. */
export function isIoLimits(value: unknown): value is IoLimits {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(
      ([name, amount]) => Object.hasOwn(LIMITS, name) && /^[1-9]\d{0,18}$/.test(String(amount)),
    )
  );
}

/** What is to be written where for a device to be held to its limits, all of them. */
export interface IoControl {
  lines(device: string, limits: IoLimits): readonly (readonly [file: string, line: string])[];
}

/**
 * Holds loop devices to limits, by the control group that this process and the pods on its node are in. Where the kernel
 * has no such control, limits are known and not kept.
 */
export class IoLimiter {
  readonly #files: Files;
  #control: Promise<IoControl | undefined> | undefined;

  constructor(files: Files) {
    this.#files = files;
  }

  /**
   * Makes these the limits of a device, instead of those that it has, or that the volume had which had it before.
   * Resolves to whether they are kept.
   */
  async apply(device: string, limits: IoLimits): Promise<boolean> {
    this.#control ??= findControl(this.#files);
    const control = await this.#control;
    const number = control && (await this.#files.stat(device))?.rdev;
    if (!number) return false;
    for (const [file, line] of control.lines(number, limits)) await this.#files.append(file, `${line}\n`);
    return true;
  }
}

const ROOT = '/sys/fs/cgroup';

async function findControl(files: Files): Promise<IoControl | undefined> {
  const groups = await files.read('/proc/self/cgroup').catch(() => '');
  for (const control of controlsOf(groups)) {
    const [first] = control.lines('', {});
    if (first && (await files.stat(first[0]))) return control;
  }
  return undefined;
}

/** The controls that the groups in /proc/self/cgroup may have: the unified one, then blkio of version 1. */
export function controlsOf(groups: string): readonly IoControl[] {
  const found: IoControl[] = [];
  for (const [, controllers = '', path = '/'] of groups.matchAll(/^\d+:([^:]*):(\/.*)$/gm)) {
    const within = path === '/' ? '' : path;
    if (controllers === '') {
      const file = `${ROOT}${within}/io.max`;
      found.unshift({ lines: (device, limits) => [[file, ioMaxLine(device, limits)]] });
    } else if (controllers.split(',').includes('blkio')) {
      const file = (name: LimitName) =>
        `${ROOT}/blkio${within}/blkio.throttle.${LIMITS[name].throttle}_device`;
      // Zero lifts a limit.
      found.push({
        lines: (device, limits) => NAMES.map((name) => [file(name), `${device} ${limits[name] ?? '0'}`]),
      });
    }
  }
  return found;
}

function ioMaxLine(device: string, limits: IoLimits): string {
  return [device, ...NAMES.map((name) => `${LIMITS[name].max}=${limits[name] ?? 'max'}`)].join(' ');
}
