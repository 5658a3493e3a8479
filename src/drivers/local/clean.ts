import { posix } from 'node:path';
import { errorMessage, type Logger } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { SCRIPTS } from './scripts.ts';

type Parts = Pick<Host, 'files' | 'processes'>;

const MAX_OUTPUT_BYTES = 64 << 20;

/**
 * Deletes all that a directory holds, and not the directory. Links are deleted, not followed, and what is mounted below is
 * left alone: that is an error. Goes on after an error, so that as much as can goes. Source: DeleteContents.
 */
export async function emptyDirectory(directory: string, files: Host['files']): Promise<void> {
  const failures: string[] = [];
  for (const name of await files.list(directory))
    await files
      .removeTree(posix.join(directory, name))
      .catch((error: unknown) => failures.push(errorMessage(error)));
  if (failures.length > 0) throw new Error(failures.join('; '));
}

/** Runs a class's cleaner on a block device, for as long as it takes. @throws Error with what it said last */
export async function cleanDevice(
  device: string,
  [program, ...args]: readonly [string, ...string[]],
  { host, log, signal }: { host: Parts; log: Logger; signal: AbortSignal },
): Promise<void> {
  const script = (await host.files.stat(program)) ? undefined : SCRIPTS[program];
  const [command, ...rest] =
    script === undefined ? [program, ...args] : ['/bin/sh', '-c', script, program, ...args];
  const { exitCode, stdout, stderr } = await host.processes.exec(command!, rest, {
    env: { LOCAL_PV_BLKDEVICE: device },
    timeoutMs: Number.POSITIVE_INFINITY,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    signal,
  });
  log.debug('a block device was cleaned', { device, program, exitCode, stdout, stderr });
  if (exitCode === 0) return;
  const said = (stderr || stdout).trim().split('\n').at(-1) ?? '';
  throw new Error(`${program} on ${device}: exit status ${exitCode}${said && `: ${said}`}`);
}
