import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('./fault-driver-process.ts', import.meta.url));

/** What goes wrong with a call: it is refused before its work, or the driver dies between its work and its answer. */
export type Fault = 'die' | { readonly code: string; readonly details: string };

/** The CSI driver `faults.csi.example.com`, a process that can be made to fail, to die, and to come back. */
export class FaultDriver {
  readonly #directory: string;
  #process: ChildProcess | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** With no faults, and not started; its files and its socket live in the directory. */
  static async create(directory: string): Promise<FaultDriver> {
    await mkdir(directory, { recursive: true });
    const driver = new FaultDriver(directory);
    await driver.fails({});
    return driver;
  }

  get endpoint(): string {
    return `unix://${join(this.#directory, 'csi.sock')}`;
  }

  /** Sets which methods (`CreateVolume`) go wrong from now on; the others work. */
  async fails(faults: Readonly<Record<string, Fault>>): Promise<void> {
    const path = join(this.#directory, 'faults.json');
    // The driver may read it at this moment.
    await writeFile(`${path}.new`, JSON.stringify(faults));
    await rename(`${path}.new`, path);
  }

  /** Starts the process; resolves once it serves. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [PROCESS, this.#directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    const ended = once(child, 'close').then(([code, signal]) => {
      throw new Error(`the driver ended with ${signal ?? code} before it served`);
    });
    await Promise.race([once(child.stdout!, 'data'), ended]);
    ended.catch(() => undefined);
  }

  /** Resolves when the process has died; rejects after `limitMs`. */
  async died(limitMs = 60_000): Promise<void> {
    const child = this.#process!;
    if (child.exitCode === null && child.signalCode === null)
      await once(child, 'exit', { signal: AbortSignal.timeout(limitMs) });
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await this.died();
  }

  /** What each call of a method was about: volume names or ids, oldest first. */
  async calls(method: string): Promise<string[]> {
    const text = await readFile(join(this.#directory, 'calls'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${method} `))
      .map((line) => line.slice(method.length + 1));
  }

  /** The volumes that exist. */
  volumes(): Promise<string[]> {
    return readdir(join(this.#directory, 'volumes'));
  }
}
