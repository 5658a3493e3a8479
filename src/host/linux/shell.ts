import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import type { ExecResult } from '../host.ts';

/** The shell ended, or was ended, while it ran a script. */
export class ShellEndedError extends Error {
  override name = 'ShellEndedError';
}

interface Run {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly maxOutputBytes: number;
  readonly onStdout?: (text: string) => void;
  readonly resolve: (result: ExecResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A small /bin/sh that runs one script after another. To start a process, Linux copies the page tables of the one that
 * asks: with our hundred megabytes that holds up the event loop for five milliseconds, with a shell's for half of one.
 */
export class Shell {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Ends the output of each script: nothing that a tool writes contains it. */
  readonly #mark = randomBytes(12).toString('hex');
  #run: Run | undefined;
  #ended: unknown;

  constructor(env: Readonly<Record<string, string>>) {
    // A group of its own, so that whatever it runs can be ended with it.
    this.#child = spawn('/bin/sh', [], { cwd: '/', env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdout.on('data', (chunk: Buffer) => this.#take('stdout', chunk));
    this.#child.stderr.on('data', (chunk: Buffer) => this.#take('stderr', chunk));
    this.#child.stdin.on('error', () => undefined);
    this.#child.once('error', (error) => this.#end(error));
    this.#child.once('close', (code, signal) =>
      this.#end(new ShellEndedError(`the shell ended (${signal ?? `exit code ${code}`})`)),
    );
    this.#hold(false);
  }

  get usable(): boolean {
    return this.#ended === undefined && this.#run === undefined;
  }

  /**
   * Runs a script to its end; one at a time. What it starts must end before it, or let go of standard output and error.
   * `onStdout` gets all output so far whenever there is more. Rejects when more than `maxOutputBytes` are written to a
   * stream, and when the shell ends.
   */
  run(
    script: string,
    options: { maxOutputBytes: number; onStdout?: (text: string) => void },
  ): Promise<ExecResult> {
    if (!this.usable) return Promise.reject(this.#ended ?? new Error('the shell is busy'));
    return new Promise((resolve, reject) => {
      this.#run = {
        ...options,
        stdout: new Output(this.#mark),
        stderr: new Output(this.#mark),
        resolve,
        reject,
      };
      this.#hold(true);
      // In braces, so that all of it is read before any of it runs: what `tell` writes is left to the script.
      this.#child.stdin.write(
        `{\n${script}\nprintf '\\000%s%d\\n' ${this.#mark} $?; printf '\\000%s0\\n' ${this.#mark} >&2\n}\n`,
      );
    });
  }

  /** Writes a line to the standard input of the script that runs, which must read it. */
  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ends the shell and what it runs at once; the run rejects with `reason`. */
  kill(reason: unknown): void {
    this.#end(reason);
    try {
      process.kill(-this.#child.pid!, 'SIGKILL');
    } catch {
      // Ended already.
    }
  }

  #take(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    const run = this.#run;
    if (!run) return;
    run[stream].add(chunk);
    if (run[stream].sizeBytes > run.maxOutputBytes + this.#mark.length + 8) {
      this.kill(new Error(`wrote more than ${run.maxOutputBytes} bytes`));
      return;
    }
    if (stream === 'stdout') run.onStdout?.(run.stdout.text);
    if (run.stdout.exitCode === undefined || run.stderr.exitCode === undefined) return;
    this.#run = undefined;
    this.#hold(false);
    run.resolve({ exitCode: run.stdout.exitCode, stdout: run.stdout.text, stderr: run.stderr.text });
  }

  #end(reason: unknown): void {
    this.#ended ??= reason;
    const run = this.#run;
    this.#run = undefined;
    this.#hold(false);
    run?.reject(this.#ended);
  }

  /** The run under way no longer keeps our event loop alive: what it runs is to outlive us. */
  release(): void {
    this.#hold(false);
  }

  /** Whether it keeps our event loop alive: only while it runs a script. */
  #hold(hold: boolean): void {
    const handles = [this.#child, this.#child.stdin, this.#child.stdout, this.#child.stderr] as unknown as {
      ref?(): void;
      unref?(): void;
    }[];
    for (const handle of handles) {
      if (hold) handle.ref?.();
      else handle.unref?.();
    }
  }
}

/** What came on one stream, up to the mark. */
class Output {
  readonly #end: Buffer;
  #bytes: Buffer = Buffer.alloc(0);
  #mark = -1;

  constructor(mark: string) {
    this.#end = Buffer.from(`\0${mark}`);
  }

  add(chunk: Buffer): void {
    const from = Math.max(0, this.#bytes.length - this.#end.length);
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    if (this.#mark < 0) this.#mark = this.#bytes.indexOf(this.#end, from);
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  get text(): string {
    return this.#bytes.toString('utf8', 0, this.#mark < 0 ? undefined : this.#mark);
  }

  /** The number after the mark, once its whole line is there. */
  get exitCode(): number | undefined {
    if (this.#mark < 0) return undefined;
    const rest = this.#bytes.toString('latin1', this.#mark + this.#end.length);
    return rest.endsWith('\n') ? Number(rest) : undefined;
  }
}
