import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scrub } from './scrub.ts';

/** Runs a test in a directory of its own that is scrubbed afterwards, whatever happens. */
export async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-e2e-'));
  try {
    await work(directory);
  } catch (error) {
    // What went wrong is what counts, not that it could not be tidied up.
    await scrub(directory).catch(() => undefined);
    throw error;
  }
  await scrub(directory);
}
