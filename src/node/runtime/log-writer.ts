import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../base/index.ts';
import type { AppendHandle, Files } from '../../host/index.ts';
import { formatLog, type LogStream } from './log-format.ts';

/** The kubelet's containerLogMaxSize and containerLogMaxFiles. */
export const MAX_LOG_BYTES = 10 * 1024 * 1024;
export const MAX_LOG_FILES = 5;

/** Writes a container's output to its log file; a full file is put aside under the time of day, the oldest go. */
export class LogWriter {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #path: string;
  #handle: AppendHandle | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(files: Files, clock: Clock, path: string) {
    this.#files = files;
    this.#clock = clock;
    this.#path = path;
  }

  /** Makes the file, so that a reader finds one before the first output. */
  async open(): Promise<void> {
    await this.#files.makeDirectory(dirname(this.#path), 0o755);
    this.#handle = await this.#files.openAppend(this.#path);
  }

  /** Resolves once the chunk is in the file: whoever waits for it puts back pressure on the container. */
  write(stream: LogStream, chunk: Uint8Array): Promise<void> {
    const line = formatLog(chunk, stream, this.#clock.now());
    const work = this.#tail.then(() => this.#append(line));
    this.#tail = work.catch(() => undefined);
    return work;
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #append(line: Uint8Array): Promise<void> {
    this.#handle ??= await this.#files.openAppend(this.#path);
    await this.#handle.write(line);
    if (this.#handle.sizeBytes >= MAX_LOG_BYTES) await this.#rotate();
  }

  async #rotate(): Promise<void> {
    const directory = dirname(this.#path);
    const rotated = `${basename(this.#path)}.${rotationTime(this.#clock.now())}`;
    const names = await this.#files.list(directory);
    // Twice within a second: the file grows until the next.
    if (names.includes(rotated)) return;
    await this.#handle?.close();
    this.#handle = undefined;
    await this.#files.rename(this.#path, join(directory, rotated));
    for (const name of expiredLogs([...names, rotated], basename(this.#path)))
      await this.#files.removeFile(join(directory, name));
  }
}

/** `20260102-030405`, as the kubelet names rotated logs. */
export function rotationTime(epochMs: number): string {
  return new Date(epochMs)
    .toISOString()
    .slice(0, 19)
    .replaceAll('-', '')
    .replaceAll(':', '')
    .replace('T', '-');
}

/** Which rotated files of `current` are one too many; the current one counts. */
export function expiredLogs(names: readonly string[], current: string): string[] {
  const rotated = names.filter((name) => name.startsWith(`${current}.`)).sort();
  return rotated.slice(0, Math.max(0, rotated.length - (MAX_LOG_FILES - 1)));
}
