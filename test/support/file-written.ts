import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemClock, withDeadline } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';

/** Resolves to what is in a file, once a whole line is. Its directory must be there. */
export async function fileWritten(path: string, limitMs = 60_000): Promise<string> {
  const { files } = createLinuxHost({ clock: systemClock });
  const written = Promise.withResolvers<string>();
  const look = () =>
    void readFile(path, 'utf8').then(
      (text) => text.endsWith('\n') && written.resolve(text.trimEnd()),
      () => undefined,
    );
  const stop = files.watchDirectory(dirname(path), look);
  look();
  return await withDeadline(systemClock, limitMs, `${path} to be written`, written.promise).finally(stop);
}
