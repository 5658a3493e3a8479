import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { STOWAGE } from './command.ts';

const LIMIT_MS = 60_000;

/** A process of ours that tells what it does in its log. */
export interface Part {
  readonly child: ChildProcess;
  /** Resolves to the match once it has logged such a line, before or after now. */
  says(text: RegExp): Promise<RegExpExecArray>;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `stowage ARGS…`. */
export function startPart(args: readonly string[]): Part {
  const child = spawn(process.execPath, [STOWAGE, ...args], { stdio: ['ignore', 'inherit', 'pipe'] });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stderr! }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  return {
    child,
    says: (text) =>
      new Promise((resolve, reject) => {
        const done = (finish: () => void) => {
          clearTimeout(timer);
          waiting.delete(look);
          finish();
        };
        const look = () => {
          const found = lines.map((line) => text.exec(line)).find((match) => match !== null);
          if (found) done(() => resolve(found));
        };
        const fail = (why: string) =>
          done(() =>
            reject(new Error(`${args.join(' ')} ${why} without saying ${text}:\n${lines.join('\n')}`)),
          );
        const timer = setTimeout(() => fail('went on'), LIMIT_MS);
        waiting.add(look);
        void exit.then(() => fail('ended'));
        look();
      }),
    async end(signal) {
      child.kill(signal);
      const [code] = await exit;
      return code;
    },
  };
}
