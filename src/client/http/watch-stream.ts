import { deepFreeze } from '../../base/index.ts';
import { type KubeObject, type Status, StatusError, type Stored, type WatchEvent } from '../../kube/index.ts';

interface WireEvent {
  readonly type: string;
  readonly object: unknown;
}

/**
 * The events in a watch response, one JSON value a line.
 * @throws StatusError for an ERROR event; Error for a line that is not an event.
 */
export async function* parseWatch<T extends KubeObject>(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<WatchEvent<Stored<T>>> {
  for await (const line of lines(chunks)) {
    const event = parseEvent(line);
    if (event.type === 'ERROR') throw new StatusError(event.object as Status);
    yield deepFreeze(event) as WatchEvent<Stored<T>>;
  }
}

function parseEvent(line: string): WireEvent {
  try {
    return JSON.parse(line) as WireEvent;
  } catch (error) {
    throw new Error(`unable to decode an event from the watch stream: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Lines without their feeds. A line that the end of the stream cuts off is dropped: its change comes again. */
async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const tail = chunk.subarray(start, end);
      const line = pending.length > 0 ? Buffer.concat([...pending, tail]) : tail;
      pending = [];
      start = end + 1;
      if (line.length > 0) yield line.toString('utf8');
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
}
