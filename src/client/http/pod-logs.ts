import { pods } from '../../kube/index.ts';
import type { ObjectName } from '../client.ts';
import type { HttpClientOptions } from './connection.ts';
import { objectPath, queryText } from './paths.ts';
import { Transport } from './transport.ts';

export interface PodLogOptions {
  /** Needed where the pod has more than one. */
  readonly container?: string;
  /** Goes on with lines as they are written, until the container ends or the signal aborts. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** The lines of a container's log. Ends without an error when the signal aborts. */
export async function* podLogs(
  connection: HttpClientOptions,
  pod: ObjectName,
  options: PodLogOptions = {},
): AsyncGenerator<string> {
  const { container, follow, signal } = options;
  const transport = new Transport(connection);
  try {
    const path = objectPath(pods, pod, 'log') + queryText({ container, follow });
    const response = await transport.stream({ method: 'GET', path, signal });
    yield* linesOf(response.setEncoding('utf8'));
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    transport.close();
  }
}

async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}
