import { constants, open, readFile, stat } from 'node:fs/promises';
import type { DiskSignature, Disks, ExecResult, Processes } from '../host.ts';
import { describeFailure, MissingToolError, runTool } from './tools.ts';

const EXT = /^ext[234]$/;
/** A large disk takes its time. */
const FSCK_TIMEOUT_MS = 3_600_000;
/** fsck(8). */
const FSCK_ERRORS_CORRECTED = 1;
const FSCK_ERRORS_UNCORRECTED = 4;
/** blkid(8). */
const BLKID_NOTHING = 2;
const BLKID_AMBIVALENT = 8;

export function createDisks(processes: Processes): Disks {
  return {
    async signature(device) {
      // blkid says "nothing" (2) also of a device that is not there.
      await stat(device);
      const args = ['-p', '-s', 'TYPE', '-s', 'PTTYPE', '-o', 'export', '--', device];
      return signatureFrom(device, await processes.exec('blkid', args, { leavesNoProcess: true }));
    },
    async format(device, fsType, options = []) {
      const purpose = `make ${fsType} on ${device}`;
      await runTool(processes, purpose, `mkfs.${fsType}`, formatArguments(device, fsType, options), {
        timeoutMs: 600_000,
      });
    },
    async check(device, fsType) {
      const tool = fsType === undefined ? 'fsck' : `fsck.${fsType}`;
      try {
        return checkOutcome(
          device,
          await processes.exec(tool, ['-a', device], { timeoutMs: FSCK_TIMEOUT_MS, leavesNoProcess: true }),
        );
      } catch (error) {
        if (error instanceof MissingToolError) return 'no-tool';
        throw error;
      }
    },
    async isInUse(device) {
      if (!(await stat(device).catch(unlessGone))?.isBlockDevice()) return false;
      // open(2): of a block device O_EXCL without O_CREAT asks to be the only one.
      const handle = await open(device, constants.O_RDONLY | constants.O_EXCL).catch((error) =>
        error.code === 'EBUSY' ? 'busy' : unlessGone(error),
      );
      if (handle === 'busy') return true;
      await handle?.close();
      return false;
    },
    async flush(device) {
      const handle = await open(device, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
    async sizeBytes(device) {
      const found = await stat(device, { bigint: true });
      if (found.isFile()) return found.size;
      if (!found.isBlockDevice()) throw new Error(`size of ${device}: neither a block device nor a file`);
      const { major, minor } = deviceNumber(found.rdev);
      return BigInt((await readFile(`/sys/dev/block/${major}:${minor}/size`, 'utf8')).trim()) * 512n;
    },
    async grow(device, mountPath, fsType) {
      const purpose = `grow the ${fsType} of ${device}`;
      if (EXT.test(fsType)) await runTool(processes, purpose, 'resize2fs', [device]);
      else if (fsType === 'xfs') await runTool(processes, purpose, 'xfs_growfs', ['-d', mountPath]);
      else if (fsType === 'btrfs')
        await runTool(processes, purpose, 'btrfs', ['filesystem', 'resize', 'max', mountPath]);
      else throw new Error(`${purpose}: resize of format ${fsType} is not supported for device ${device}`);
    },
    async growUnmounted(device, fsType) {
      if (!EXT.test(fsType)) return false;
      // resize2fs works on nothing that was used since its last full check.
      const checked = await processes.exec('e2fsck', ['-f', '-p', device], {
        timeoutMs: FSCK_TIMEOUT_MS,
        leavesNoProcess: true,
      });
      const purpose = `grow the ${fsType} of ${device}`;
      if (checked.exitCode > FSCK_ERRORS_CORRECTED)
        throw new Error(`${purpose}: check it first: ${describeFailure('e2fsck', checked)}`);
      await runTool(processes, purpose, 'resize2fs', [device], { timeoutMs: FSCK_TIMEOUT_MS });
      return true;
    },
  };
}

/** A device that was taken away. */
function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (!['ENOENT', 'ENXIO', 'ENODEV'].includes(error.code ?? '')) throw error;
}

/** The major and minor number in a dev_t (makedev(3)). */
export function deviceNumber(rdev: bigint): { major: bigint; minor: bigint } {
  return {
    major: ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn),
    minor: (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn),
  };
}

/** What blkid's exit code and its KEY=value lines say. */
export function signatureFrom(device: string, result: ExecResult): DiskSignature | undefined {
  if (result.exitCode === BLKID_NOTHING) return undefined;
  if (result.exitCode === BLKID_AMBIVALENT)
    throw new Error(
      `probe ${device}: more than one signature was found and it cannot be said which is true; clean it with wipefs`,
    );
  if (result.exitCode !== 0) throw new Error(`probe ${device}: ${describeFailure('blkid', result)}`);
  const values = new Map<string, string>();
  for (const line of result.stdout.split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) values.set(line.slice(0, equals), line.slice(equals + 1));
  }
  // It has found something and does not say what: mount-utils takes that for a blank device, we do not.
  return { type: values.get('TYPE'), partitionTable: values.get('PTTYPE') };
}

/** mkfs's arguments as mount-utils gives them: ext without blocks held back for root; xfs, btrfs by force. */
export function formatArguments(device: string, fsType: string, options: readonly string[]): string[] {
  if (EXT.test(fsType)) return [...options, '-q', '-F', '-m0', device];
  if (fsType === 'xfs' || fsType === 'btrfs') return [...options, '-f', device];
  return [...options, device];
}

/**
 * As mount-utils, only "errors left uncorrected" keeps the disk from being mounted. The exit code is a sum of bits, which
 * mount-utils overlooks.
 */
export function checkOutcome(device: string, result: ExecResult): 'clean' | 'corrected' {
  if (result.exitCode & FSCK_ERRORS_UNCORRECTED)
    throw new Error(
      `'fsck' found errors on device ${device} but could not correct them: ${describeFailure('fsck', result)}`,
    );
  return result.exitCode === FSCK_ERRORS_CORRECTED ? 'corrected' : 'clean';
}
