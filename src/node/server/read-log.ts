import { dirname } from 'node:path';
import type { Files, ReadHandle } from '../../host/index.ts';
import { type LogLine, parseLogLine } from '../runtime/index.ts';

/** v1.PodLogOptions, as far as the node serves them. */
export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Only lines written at or after this, wall time in milliseconds. */
  readonly sinceMs?: number;
  readonly tailLines?: number;
  readonly limitBytes?: number;
}

/** What is known of the container whose log is followed. */
export interface LiveContainer {
  running(): boolean;
  /** Calls back when it has ended, until the returned function is called. */
  onEnd(callback: () => void): () => void;
}

const CHUNK_BYTES = 64 * 1024;
const LINE_FEED = 10;

/** What the container wrote, as its log file keeps it; with `follow` until the container has ended or the signal aborts. */
export async function* readLog(
  files: Files,
  path: string,
  options: LogOptions,
  live: LiveContainer,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let handle = await files.openRead(path);
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const stops = options.follow ? [files.watchDirectory(dirname(path), wake), live.onEnd(wake)] : [];
  signal.addEventListener('abort', wake, { once: true });
  try {
    const { sizeBytes } = await handle.stat();
    let position =
      options.tailLines === undefined ? 0 : await tailPosition(handle, sizeBytes, options.tailLines);
    let rest: Uint8Array = new Uint8Array();
    let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
    while (!signal.aborted && left > 0) {
      changed = Promise.withResolvers();
      // Asked before the read: what an ended container wrote is in the file by then.
      const running = live.running();
      const chunk = await handle.read(position, CHUNK_BYTES);
      if (chunk.length > 0) {
        position += chunk.length;
        const { lines, remainder } = splitLines(Buffer.concat([rest, chunk]));
        rest = remainder;
        const output = formatLines(lines, options).subarray(0, left);
        left -= output.length;
        if (output.length > 0) yield output;
        continue;
      }
      if (!options.follow) return;
      const next = await rotated(files, path, handle);
      if (next) {
        // Written after our look at it, and before it was put aside.
        if ((await handle.read(position, 1)).length > 0) {
          await next.close();
          continue;
        }
        await handle.close();
        handle = next;
        position = 0;
        continue;
      }
      if (!running) return;
      await changed.promise;
    }
  } finally {
    for (const stop of stops) stop();
    signal.removeEventListener('abort', wake);
    await handle.close();
  }
}

/** The new file when the log has been put aside; undefined while it is the same, or there is none yet. */
async function rotated(files: Files, path: string, handle: ReadHandle): Promise<ReadHandle | undefined> {
  const [present, open] = await Promise.all([files.stat(path), handle.stat()]);
  return present && present.inode !== open.inode ? files.openRead(path) : undefined;
}

/** Where the last `lines` lines begin. */
export async function tailPosition(handle: ReadHandle, sizeBytes: number, lines: number): Promise<number> {
  if (lines === 0) return sizeBytes;
  let found = 0;
  for (let end = sizeBytes; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const chunk = await handle.read(start, end - start);
    for (let at = chunk.length - 1; at >= 0; at--) {
      if (chunk[at] !== LINE_FEED || start + at === sizeBytes - 1) continue;
      if (++found === lines) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

function splitLines(bytes: Uint8Array): { lines: LogLine[]; remainder: Uint8Array } {
  const lines: LogLine[] = [];
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
    const line = parseLogLine(bytes.subarray(start, end));
    if (line) lines.push(line);
    start = end + 1;
  }
  return { lines, remainder: bytes.subarray(start) };
}

/** Lines as kubectl shows them: without what the log adds, but for the time if asked. */
export function formatLines(
  lines: readonly LogLine[],
  options: Pick<LogOptions, 'timestamps' | 'sinceMs'>,
): Buffer {
  const parts: Uint8Array[] = [];
  for (const line of lines) {
    if (options.sinceMs !== undefined && Date.parse(line.timestamp) < options.sinceMs) continue;
    if (options.timestamps) parts.push(Buffer.from(`${line.timestamp} `));
    parts.push(line.content);
    if (!line.partial) parts.push(Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}
