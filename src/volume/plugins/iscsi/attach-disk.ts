import { join } from 'node:path';
import { type Clock, errorMessage, sleep } from '../../../base/index.ts';
import type { Files, Host } from '../../../host/index.ts';
import { listOrNothing, multipathOf } from '../scsi/multipath.ts';
import { failed, iscsiadm } from './iscsiadm.ts';
import { type Chap, cloneInterface, login, transportOf } from './login.ts';
import type { IscsiDisk } from './source.ts';
import { hostsByPortal } from './sysfs.ts';

export interface IscsiHost {
  readonly host: Host;
  readonly clock: Clock;
}

/** Two paths are enough for a multipath disk, once all were tried so often; one is, after all tries. */
const ENOUGH_PATHS = 2;
const LEAST_TRIES = 2;
const MOST_TRIES = 5;
/** How often, once a second, it is looked for a disk or a multipath device. */
const DISK_LOOKS = 30;
const MULTIPATH_LOOKS = 10;
const LOOK_MS = 1_000;

/**
 * Logs in to a target through all of its portals, and resolves to the device of the disk: the multipath device of all its
 * paths, or one of them. Source: AttachDisk, pkg/volume/iscsi.
 */
export async function attachIscsiDisk(
  machine: IscsiHost,
  disk: IscsiDisk,
  chap: Chap,
  signal: AbortSignal,
): Promise<string> {
  const { host } = machine;
  const shown = await iscsiadm(host, '-m', 'iface', '-I', disk.InitIface, '-o', 'show');
  if (failed(shown))
    throw new Error(
      `iscsi: could not read iface ${disk.InitIface} error: ${shown.output} (exit status ${shown.exitCode})`,
    );
  const transport = transportOf(shown.output);
  if (disk.InitiatorName !== '') await cloneInterface(host, disk);
  const paths = await collectPaths(machine, disk, chap, transport, signal);
  const looks = disk.Portals.length > 1 ? MULTIPATH_LOOKS : 1;
  const multipath = await look(machine.clock, looks, signal, async () => {
    for (const path of paths) {
      const found = await multipathOf(host.files, path);
      if (found !== undefined) return found;
    }
    return undefined;
  });
  return multipath ?? paths[0]!;
}

async function collectPaths(
  machine: IscsiHost,
  disk: IscsiDisk,
  chap: Chap,
  transport: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const paths = new Map<string, string>();
  let last: unknown;
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    for (const portal of disk.Portals) {
      if (paths.has(portal)) continue;
      try {
        const path = await connect(machine, disk, portal, chap, transport, signal);
        if (path !== undefined) paths.set(portal, path);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof HopelessError) throw error;
        last = error;
      }
    }
    if (paths.size === 0) {
      await iscsiadm(machine.host, '-m', 'iface', '-I', disk.Iface, '-o', 'delete');
      throw new Error(`failed to get any path for iscsi disk, last err seen:\n${errorMessage(last)}`, {
        cause: last,
      });
    }
    const all = paths.size === new Set(disk.Portals).size;
    if (all || (paths.size >= ENOUGH_PATHS && tries >= LEAST_TRIES)) break;
  }
  return [...paths.values()];
}

/** No other portal and no other try helps. */
class HopelessError extends Error {
  override name = 'HopelessError';
}

/** The link to the disk behind a portal; undefined while the kernel does not know the session. */
async function connect(
  { host, clock }: IscsiHost,
  disk: IscsiDisk,
  portal: string,
  chap: Chap,
  transport: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const hostOf = async () => (await hostsByPortal(host.files, disk.Iqn)).get(portal);
  let scsiHost = await hostOf();
  if (scsiHost === undefined) {
    await login(host, disk, portal, chap);
    scsiHost = await hostOf();
    if (scsiHost === undefined) return undefined;
  }
  await scanLun(host.files, scsiHost, disk.Lun);
  if (transport === '') throw new HopelessError(`could not parse iface file for ${disk.Iface}`);
  const address = portal.replace(/[[\]]/g, '');
  const name = `ip-${address}-iscsi-${disk.Iqn}-lun-${disk.Lun}`;
  const found = await look(clock, DISK_LOOKS, signal, () => findLink(host.files, name, transport));
  if (found !== undefined) return found;
  const path = join(BY_PATH, transport === 'tcp' ? name : `pci-*-${name}`);
  throw new Error(`Timed out waiting for device at path ${path} after ${DISK_LOOKS}s`);
}

/** Only this LUN: others of the target, seen here by chance, could not be taken away cleanly when they go. */
async function scanLun(files: Files, scsiHost: number, lun: string): Promise<void> {
  try {
    await files.append(`/sys/class/scsi_host/host${scsiHost}/scan`, `0 0 ${lun}`);
  } catch (error) {
    throw new HopelessError(errorMessage(error), { cause: error });
  }
}

const BY_PATH = '/dev/disk/by-path';

/** Behind an adapter of its own the name begins with the adapter's place. */
async function findLink(files: Files, name: string, transport: string): Promise<string | undefined> {
  const fits = (one: string) =>
    transport === 'tcp' ? one === name : one.startsWith('pci-') && one.endsWith(`-${name}`);
  const found = (await listOrNothing(files, BY_PATH)).find(fits);
  return found === undefined ? undefined : join(BY_PATH, found);
}

async function look<T>(
  clock: Clock,
  times: number,
  signal: AbortSignal,
  find: () => Promise<T | undefined>,
): Promise<T | undefined> {
  for (let looked = 1; ; looked++) {
    const found = await find();
    if (found !== undefined || looked >= times) return found;
    await sleep(clock, LOOK_MS, signal);
  }
}
