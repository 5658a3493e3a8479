import type { ExecResult } from '../host.ts';
import { Shell } from './shell.ts';

/** Shells that are kept when idle. */
const MAX_IDLE = 8;

/** Shells for scripts that run at the same time; made when needed, kept for the next. */
export class ShellPool {
  readonly #env: Readonly<Record<string, string>>;
  #idle: Shell[] = [];

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  /** Runs a script in a shell that nothing else uses meanwhile. `begun` is called with it before. */
  async run(
    script: string,
    options: {
      maxOutputBytes: number;
      onStdout?: (text: string) => void;
      begun?: (shell: Pick<Shell, 'kill' | 'release' | 'tell'>) => void;
    },
  ): Promise<ExecResult> {
    const shell = this.#take();
    options.begun?.(shell);
    try {
      return await shell.run(script, options);
    } finally {
      if (shell.usable && this.#idle.length < MAX_IDLE) this.#idle.push(shell);
      else shell.kill(new Error('no longer needed'));
    }
  }

  #take(): Shell {
    for (let shell = this.#idle.pop(); shell; shell = this.#idle.pop()) if (shell.usable) return shell;
    return new Shell(this.#env);
  }
}

/** A word that the shell takes as it is. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
