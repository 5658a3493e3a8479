import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';

/** Resolves once nothing is left in the directory; rejects after `limitMs` with what is. */
export async function emptied(directory: string, limitMs = 60_000): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = async () => {
    if ((await readdir(directory)).length === 0) resolve();
  };
  const watcher = watch(directory, () => void look().catch(reject));
  const timer = setTimeout(async () => {
    reject(new Error(`${directory} still has ${(await readdir(directory)).join(', ')} after ${limitMs} ms`));
  }, limitMs);
  await look();
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    watcher.close();
  }
}
