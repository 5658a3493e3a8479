import type { Duplex } from 'node:stream';
import { type Clock, errorMessage, type Logger } from '../../../base/index.ts';
import type { TerminalSize } from '../../runtime/index.ts';
import { SpdyConnection } from '../spdy/connection.ts';
import type { SpdyStream } from '../spdy/stream.ts';
import type { ClientStreams } from './serve-session.ts';
import type { StreamOptions } from './stream-options.ts';
import { statusText } from './stream-status.ts';
import { TerminalSizes } from './terminal-sizes.ts';

/** How long a client may take to open its streams (DefaultStreamCreationTimeout). */
export const STREAM_CREATION_LIMIT_MS = 30_000;
/** In order of preference (SupportedStreamingProtocols). */
export const REMOTE_COMMAND_PROTOCOLS: readonly string[] = [
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
];

/** The streams of a remote command as streams of a SPDY connection. Resolves once the client has opened them all. */
export async function spdyStreams(
  context: { readonly clock: Clock; readonly log: Logger },
  transport: Duplex,
  protocol: string,
  options: StreamOptions,
): Promise<ClientStreams> {
  const gone = new AbortController();
  const opened = new Map<string, SpdyStream>();
  const resizes = options.tty && (protocol.startsWith('v4') || protocol.startsWith('v3'));
  const expected = [
    'error',
    options.stdin && 'stdin',
    options.stdout && 'stdout',
    options.stderr && 'stderr',
  ];
  if (resizes) expected.push('resize');
  const wanted = expected.filter((name) => name !== false);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const connection = new SpdyConnection(transport, (stream) => {
    const type = stream.headers.get('streamtype') ?? '';
    if (!wanted.includes(type) || opened.has(type)) return void stream.destroy();
    opened.set(type, stream);
    if (opened.size === wanted.length) resolve();
  });
  const timer = context.clock.after(STREAM_CREATION_LIMIT_MS, () => {
    reject(new Error('timed out waiting for client to create streams'));
    transport.destroy();
  });
  void connection
    .serve()
    .catch((error) => context.log.debug('a client speaks no SPDY', { error: errorMessage(error) }))
    .finally(() => {
      gone.abort();
      reject(new Error('the client went away before it had created its streams'));
    });
  await promise.finally(() => timer.cancel());

  const sizes = new TerminalSizes();
  const error = opened.get('error')!;
  error.resume();
  return {
    stdin: opened.get('stdin'),
    stdout: readNoMore(opened.get('stdout')),
    stderr: readNoMore(opened.get('stderr')),
    onResize(listener: (size: TerminalSize) => void) {
      opened.get('resize')?.on('data', (chunk: Buffer) => {
        for (const size of sizes.push(chunk)) listener(size);
      });
    },
    gone: gone.signal,
    finish(status) {
      error.end(statusText(status, protocol === 'v4.channel.k8s.io'));
      error.once('finish', () => connection.close());
    },
  };
}

/** What a client sends on a stream that it is to read from goes nowhere. */
function readNoMore(stream: SpdyStream | undefined): SpdyStream | undefined {
  stream?.resume();
  return stream;
}
