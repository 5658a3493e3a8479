import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream';
import type { Files } from '../../host/index.ts';
import type { ContainerSession, ContainerStreams } from './contract.ts';

/**
 * A session of a container with its input and the size of its terminal, as shim.sh and terminal.pl take them. The words
 * of containerd: an end of the client's input is the container's with `once`, unless it has a terminal; otherwise it is
 * the end of the session.
 */
export function withInput(
  session: ContainerSession,
  files: Files,
  directory: string,
  streams: ContainerStreams,
): ContainerSession {
  const stdin = streams.stdin === 'none' ? undefined : openIfRead(files, join(directory, 'stdin'));
  const sizes = streams.tty ? openIfRead(files, join(directory, 'resize')) : undefined;
  const isLast = streams.stdin === 'once' && !streams.tty;
  if (stdin)
    finished(stdin, () => {
      if (isLast) openIfRead(files, join(directory, 'stdin-end'))?.end('\n');
      else session.end();
    });
  const close = () => {
    stdin?.destroy();
    sizes?.destroy();
  };
  void session.ended.finally(close).catch(() => undefined);
  return {
    ...session,
    stdin,
    resize: ({ columns, rows }) => void sizes?.write(`${rows} ${columns}\n`),
  };
}

/** Undefined when nobody reads: the container takes no more input. */
function openIfRead(files: Files, path: string): Writable | undefined {
  try {
    // Nobody may read any more by the time that it is written.
    return files.writeFifo(path).on('error', () => undefined);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENXIO' || code === 'ENOENT') return undefined;
    throw error;
  }
}
