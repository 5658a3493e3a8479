import { existsSync, readFileSync } from 'node:fs';
import { type Clock, sleep } from '../../base/index.ts';
import type { LoopDevice, LoopDevices, Processes } from '../host.ts';
import { describeFailure, runTool } from './tools.ts';

/** Others look for a free device at the same time; losing it to them is no failure. */
const ATTACH_TRIES = 20;
/**
 * How long a detached device may be held by whoever probes it (udev, blkid), or has what is mounted from it in a new mount
 * namespace: a container that is being started, until it lets go of the host's root. That takes seconds on a busy machine.
 */
const DETACH_LIMIT_MS = 10_000;
const DETACH_POLL_MS = 10;
const BUSY = /Device or resource busy|Resource temporarily unavailable/;
const DELETED = ' (deleted)';

export function createLoopDevices(
  processes: Processes,
  clock: Clock,
  detachLimitMs = DETACH_LIMIT_MS,
): LoopDevices {
  return {
    async list() {
      return devicesWithSize()
        .map(describe)
        .filter((device) => device !== undefined);
    },
    async get(device) {
      return describe(nameOf(device));
    },
    async attach(file, options = {}) {
      const args = ['--find', '--show'];
      if (options.readOnly) args.push('--read-only');
      if (options.directIo) args.push('--direct-io=on');
      for (let tries = 1; ; tries++) {
        const result = await processes.exec('losetup', [...args, '--', file], { leavesNoProcess: true });
        const device = result.stdout.trim();
        if (result.exitCode === 0 && device.startsWith('/dev/')) return device;
        if (tries === ATTACH_TRIES || !BUSY.test(result.stderr))
          throw new Error(`attach ${file} to a loop device: ${describeFailure('losetup', result)}`);
      }
    },
    async detach(device) {
      const name = nameOf(device);
      const before = describe(name);
      if (!before) return;
      // Once it is free anybody may have it, with a file of his own.
      const isAttached = () => describe(name)?.backingFile === before.backingFile;
      const result = await processes.exec('losetup', ['--detach', device], { leavesNoProcess: true });
      // Gone meanwhile: its last user let go of it after an earlier order.
      if (result.exitCode !== 0 && isAttached())
        throw new Error(`detach ${device}: ${describeFailure('losetup', result)}`);
      // The kernel accepts the order also while the device is open, and carries it out at the last close.
      const deadline = clock.monotonic() + detachLimitMs;
      while (isAttached()) {
        if (clock.monotonic() > deadline)
          throw new Error(`detach ${device}: still in use; it detaches when its last user lets go of it`);
        await sleep(clock, DETACH_POLL_MS);
      }
    },
    async refresh(device) {
      await runTool(processes, `refresh the size of ${device}`, 'losetup', ['--set-capacity', device]);
    },
  };
}

/**
 * The kernel's list of block devices has those only that have a size: no loop device that nothing is attached to, and
 * none of less than a sector, which is of no use to anybody. On a machine with a thousand of them a look at each takes
 * thirty times as long.
 */
function devicesWithSize(): string[] {
  const lines = readFileSync('/proc/partitions', 'utf8').split('\n');
  return lines.flatMap((line) => / (loop\d+)$/.exec(line)?.[1] ?? []);
}

function nameOf(device: string): string {
  const name = device.slice('/dev/'.length);
  if (!/^loop\d+$/.test(name)) throw new Error(`${JSON.stringify(device)} is not a loop device (/dev/loopN)`);
  return name;
}

/**
 * A loop device as sysfs shows it; undefined when nothing is attached. No command, no ioctl. Read at once: the kernel
 * answers from memory, in a tenth of the time that the way through the thread pool takes.
 */
function describe(name: string): LoopDevice | undefined {
  const file = `/sys/block/${name}/loop/backing_file`;
  // Of many devices few are attached, and to find that out by an error takes twice the time.
  if (!existsSync(file)) return undefined;
  try {
    const backing = readFileSync(file, 'utf8');
    const path = backing.endsWith('\n') ? backing.slice(0, -1) : backing;
    const deleted = path.endsWith(DELETED);
    return {
      device: `/dev/${name}`,
      backingFile: deleted ? path.slice(0, -DELETED.length) : path,
      readOnly: readFileSync(`/sys/block/${name}/ro`, 'utf8').trim() === '1',
      deleted,
    };
  } catch {
    return undefined;
  }
}
