import type { Files } from '../../host/index.ts';
import { parseLogLine } from './log-format.ts';

/** Upstream's MaxContainerTerminationMessageLength, and what of a log may stand in for a message. */
const MAX_MESSAGE_BYTES = 4096;
const MAX_LOG_BYTES = 2048;
const MAX_LOG_LINES = 80;

/** What a container left in its message file; else, given a log, the end of its output. */
export async function terminationMessage(
  files: Files,
  from: { readonly path: string; readonly logPath?: string },
): Promise<string | undefined> {
  const message = await readEnd(files, from.path, MAX_MESSAGE_BYTES, 'start');
  if (message.length > 0) return Buffer.from(message).toString('utf8');
  if (from.logPath === undefined) return undefined;
  const text = endOfOutput(await readEnd(files, from.logPath, 4 * MAX_LOG_BYTES, 'end'));
  return text === '' ? undefined : text;
}

async function readEnd(
  files: Files,
  path: string,
  maxBytes: number,
  from: 'start' | 'end',
): Promise<Uint8Array> {
  let handle: Awaited<ReturnType<Files['openRead']>>;
  try {
    handle = await files.openRead(path);
  } catch {
    return new Uint8Array();
  }
  try {
    const { sizeBytes } = await handle.stat();
    return await handle.read(from === 'start' ? 0 : Math.max(0, sizeBytes - maxBytes), maxBytes);
  } finally {
    await handle.close();
  }
}

/** The last lines of a log's end, without what the log adds to them. */
export function endOfOutput(log: Uint8Array): string {
  let text = '';
  for (const line of Buffer.from(log)
    .toString('latin1')
    .split('\n')
    .slice(-MAX_LOG_LINES - 1)) {
    const parsed = parseLogLine(Buffer.from(line, 'latin1'));
    if (parsed) text += Buffer.from(parsed.content).toString('utf8') + (parsed.partial ? '' : '\n');
  }
  return text.slice(-MAX_LOG_BYTES);
}
