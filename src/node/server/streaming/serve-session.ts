import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../../../base/index.ts';
import type { ContainerSession, TerminalSize } from '../../runtime/index.ts';
import { internalErrorStatus, type StreamStatus } from './stream-status.ts';

/** A client's side of a remote command, whatever it speaks. */
export interface ClientStreams {
  /** Those that it asked for. */
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  onResize(listener: (size: TerminalSize) => void): void;
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal;
  /** The last word: how it ended. */
  finish(status: StreamStatus): void;
}

/**
 * Joins a client and a command until the command has ended, and all of its output is on its way, or the client has gone.
 * `what` is the word for a failure; `status` says what an end means.
 */
export async function serveSession(
  client: ClientStreams,
  open: () => Promise<ContainerSession>,
  options: { readonly what: string; readonly status: (exitCode: number | undefined) => StreamStatus },
): Promise<void> {
  try {
    const session = await open();
    const end = () => session.end();
    client.gone.addEventListener('abort', end, { once: true });
    if (client.gone.aborted) end();
    client.onResize((size) => session.resize(size));
    // Input that a command does not read to its end is no failure.
    if (client.stdin && session.stdin) pipeline(client.stdin, session.stdin).catch(() => undefined);
    else client.stdin?.resume();
    const outputs = [carry(session.stdout, client.stdout), carry(session.stderr, client.stderr)];
    const exitCode = await session.ended;
    await Promise.all(outputs);
    client.finish(options.status(exitCode));
  } catch (error) {
    client.finish(internalErrorStatus(`${options.what}: ${errorMessage(error)}`));
  }
}

/** To the end of the source; if nobody takes it, it goes nowhere. */
async function carry(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (!from) return;
  if (to) await pipeline(from, to).catch(() => undefined);
  else from.resume();
}
