import { dirname } from 'node:path';
import { isMountPoint } from '../../mount/index.ts';
import { isOperationFinished, UncertainProgressError } from '../../operation-error.ts';
import { beforeAsking } from './before-asking.ts';
import type { RegisteredDriver } from './drivers.ts';
import { type CsiNodeContext, findDriver } from './node-context.ts';
import { removeMountDirectory, removeUnnoted } from './remove-mount-directory.ts';
import { csiFailure, mountFailure } from './rpc-error.ts';
import { loadVolumeData, saveVolumeData, type VolumeData } from './volume-data.ts';

export interface NotedMount {
  /** Where the driver mounts. The note is put beside it. */
  readonly path: string;
  readonly note: VolumeData;
  /** Somebody may be using what is mounted there already: a refusal leaves it as it is. */
  readonly isInUse: boolean;
  mount(): Promise<unknown>;
}

/**
 * Notes what is about to be mounted, and has it mounted. When the driver certainly did not, nothing is there to undo, so
 * nothing may look as if; what cannot be cleared away now, the undoing will.
 */
export async function mountNoted(context: CsiNodeContext, mount: NotedMount): Promise<void> {
  const { host } = context;
  const { path } = mount;
  await beforeAsking(() =>
    saveVolumeData(host.files, dirname(path), mount.note).catch(async (error) => {
      await removeUnnoted(host, path);
      throw error;
    }),
  );
  try {
    await mount.mount();
  } catch (error) {
    const failure = mountFailure(error);
    if (isOperationFinished(failure) && !mount.isInUse)
      await removeMountDirectory(host, path).catch(() => {
        throw new UncertainProgressError(failure.message, { cause: failure });
      });
    throw failure;
  }
}

export interface NotedUnmount {
  readonly path: string;
  /** How upstream calls the step, and what it says where the driver, or the clearing away, is the matter. */
  readonly words: { readonly step: string; readonly noDriver: string; readonly notCleared: string };
  unmount(driver: RegisteredDriver, note: VolumeData): Promise<unknown>;
}

/** Undoes what a note tells of. Never takes the driver's word over the mount table. */
export async function unmountNoted(
  context: CsiNodeContext,
  { path, words, unmount }: NotedUnmount,
  signal: AbortSignal,
): Promise<void> {
  const { host } = context;
  const note = await loadVolumeData(host.files, dirname(path));
  if (!note) {
    // The note is written before anything is mounted and removed after: what is left, if anything, is empty directories.
    await refuseMounted(
      context,
      path,
      `${words.step} failed`,
      'its vol_data.json is missing; unmount it by hand',
    );
    await removeMountDirectory(host, path);
    return;
  }
  const driver = await findDriver(context, note.driverName, words.noDriver, signal);
  try {
    await unmount(driver, note);
  } catch (error) {
    throw csiFailure(`${words.step} failed`, error);
  }
  await refuseMounted(context, path, `${words.step} failed`, `${note.driverName} answered all the same`);
  try {
    await removeMountDirectory(host, path);
  } catch (error) {
    throw csiFailure(words.notCleared, error);
  }
}

async function refuseMounted(
  { host }: CsiNodeContext,
  path: string,
  what: string,
  why: string,
): Promise<void> {
  if (await isMountPoint(host, path))
    throw csiFailure(what, new Error(`${path} is still a mount point: ${why}`));
}
