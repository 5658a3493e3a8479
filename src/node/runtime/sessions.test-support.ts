import type { Readable } from 'node:stream';
import { systemClock, withDeadline } from '../../base/index.ts';

/** Reads until the text has come; what was read. */
export async function readUntil(stream: Readable, wanted: RegExp): Promise<string> {
  let seen = '';
  const read = async () => {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      seen += String(chunk);
      if (wanted.test(seen)) return seen;
    }
    throw new Error(`ended without ${wanted}: ${seen}`);
  };
  return withDeadline(systemClock, 60_000, `${wanted} in the output`, read());
}
