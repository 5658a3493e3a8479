import type { Files } from '../../host/index.ts';

/**
 * How many files a client has not uploaded yet, by the notes that it keeps of each: JSON with `Dirty`. Source: rclone,
 * the metadata of its VFS cache.
 */
export async function pendingUploads(files: Files, directory: string): Promise<number> {
  const stat = await files.stat(directory);
  if (stat?.kind !== 'directory') return 0;
  let pending = 0;
  for (const name of await files.list(directory)) {
    const path = `${directory}/${name}`;
    const kind = (await files.stat(path))?.kind;
    if (kind === 'directory') pending += await pendingUploads(files, path);
    else if (kind === 'file' && isDirty(await readIfThere(files, path))) pending++;
  }
  return pending;
}

/** A note that is empty, or cut short, was being written: so was the file. */
function isDirty(text: string | undefined): boolean {
  if (text === undefined) return false;
  try {
    return (JSON.parse(text) as { Dirty?: unknown } | null)?.Dirty === true;
  } catch {
    return true;
  }
}

/** A note goes with its file. */
async function readIfThere(files: Files, path: string): Promise<string | undefined> {
  try {
    return await files.read(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  }
}
