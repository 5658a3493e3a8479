export type LogStream = 'stdout' | 'stderr';

/** Longer lines are cut into parts (containerd's max_container_log_line_size). */
export const MAX_LINE_BYTES = 16 * 1024;

/** RFC 3339 with nanoseconds, as container runtimes write it. */
export function logTimestamp(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000000Z`;
}

/**
 * Output as lines of a container log (CRI): `TIME STREAM TAG CONTENT`, where tag F ends a line and P does not. What has
 * come of an unfinished line is written at once, so nothing is lost with the agent.
 */
export function formatLog(chunk: Uint8Array, stream: LogStream, epochMs: number): Uint8Array {
  const timestamp = logTimestamp(epochMs);
  const full = Buffer.from(`${timestamp} ${stream} F `);
  const partial = Buffer.from(`${timestamp} ${stream} P `);
  const lineFeed = Buffer.from('\n');
  const parts: Uint8Array[] = [];
  for (let start = 0; start < chunk.length; ) {
    const newline = chunk.indexOf(10, start);
    const end = Math.min(newline < 0 ? chunk.length : newline, start + MAX_LINE_BYTES);
    const whole = end === newline;
    parts.push(whole ? full : partial, chunk.subarray(start, end), lineFeed);
    start = whole ? end + 1 : end;
  }
  return Buffer.concat(parts);
}

/** A line of a container log. */
export interface LogLine {
  readonly timestamp: string;
  readonly stream: LogStream;
  /** The line goes on in the next one. */
  readonly partial: boolean;
  readonly content: Uint8Array;
}

/** Parses a line without its line feed; undefined when it is none. */
export function parseLogLine(line: Uint8Array): LogLine | undefined {
  const first = line.indexOf(32);
  const second = line.indexOf(32, first + 1);
  const third = line.indexOf(32, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const text = (from: number, to: number) => Buffer.from(line.subarray(from, to)).toString('latin1');
  const stream = text(first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const tags = text(second + 1, third).split(':');
  return {
    timestamp: text(0, first),
    stream,
    partial: tags[0] === 'P',
    content: line.subarray(third + 1),
  };
}
