import { text } from 'node:stream/consumers';
import type { ConnectedProcess } from '../../host/index.ts';
import type { ContainerSession, SessionOptions } from './contract.ts';

/** 0, 1 and 2, the command's input, the client's wishes, the report of the start. */
export const SESSION_DESCRIPTORS = 6;

/** How enter.pl is told what streams a session has. */
export function streamsArgument({ stdin, tty }: SessionOptions): string {
  return [stdin && 'stdin', tty && 'tty'].filter(Boolean).join(',');
}

/** The session that a process of session.pl carries. `program` is what it is to run (program.ts). */
export function processSession(
  process: ConnectedProcess,
  program: string,
  options: SessionOptions,
): ContainerSession {
  const [start, stdout, stderr, stdin, control, report] = process.streams;
  start.end(program);
  if (!options.stdin) stdin!.destroy();
  return {
    stdin: options.stdin ? stdin : undefined,
    stdout,
    stderr: options.tty ? undefined : stderr,
    resize: ({ columns, rows }) => void control!.write(`${rows} ${columns}\n`),
    ended: Promise.all([process.exit, text(report!)]).then(([code, said]) => {
      const failures = said.split('\n').filter((line) => line !== '' && line !== 'started');
      if (failures.length > 0)
        throw new Error(failures.map((line) => line.replace(/^error /, '')).join('; '));
      return code;
    }),
    // Its end is what the carrier waits for.
    end: () => control!.destroy(),
  };
}
