import { Code, CsiStatus } from '../../csi/index.ts';
import type { ExecResult, Host } from '../../host/index.ts';

/** How long what an earlier run has started may go on. It dies with its parent, so this is for a disk that hangs. */
const SETTLE_TIMEOUT_S = 60;
/** A copy takes as long as it takes. */
const NO_TIMEOUT = Number.POSITIVE_INFINITY;
const FULL = /No space left on device|Disk quota exceeded/;
/** cp, of a file that somebody removed meanwhile. */
const VANISHED = /^cp: cannot (stat|open|access|read)[^\n]*No such file or directory$/;

/**
 * The tools that change what is in shares. They end when the driver does, and hold a lock while they run: the next driver
 * on the directory waits for it, so that nothing changes behind its back.
 */
export class Tools {
  readonly #host: Pick<Host, 'files' | 'mounts' | 'processes'>;
  readonly #lock: string;

  constructor(host: Pick<Host, 'files' | 'mounts' | 'processes'>, lock: string) {
    this.#host = host;
    this.#lock = lock;
  }

  /** Resolves once no tool of an earlier run is at work any more. */
  async settled(): Promise<void> {
    const args = ['--exclusive', '--timeout', `${SETTLE_TIMEOUT_S}`, this.#lock, 'true'];
    const { exitCode, stderr } = await this.#host.processes.exec('flock', args);
    if (exitCode !== 0)
      throw new Error(
        `${this.#lock}: a tool of an earlier run is still at work after ${SETTLE_TIMEOUT_S} s ${stderr.trim()}`,
      );
  }

  /**
   * Makes the content of a directory that of another: owners, modes, times, links as links, holes; on one file system with
   * reflinks the blocks are shared. Files that others change meanwhile are copied as they come. Durable on return.
   */
  async copy(from: string, to: string): Promise<void> {
    const args = ['--archive', '--reflink=auto', '--one-file-system', '--', `${from}/.`, `${to}/.`];
    const result = await this.#exec('cp', args);
    const lines = result.stderr.split('\n').filter((line) => line !== '');
    const onlyVanished =
      lines.length > 0 && lines.every((line) => VANISHED.test(line) && line.includes(from));
    if (result.exitCode !== 0 && !onlyVanished) throw failure(`copy to ${to}`, 'cp', result);
    await this.#host.mounts.sync(to);
  }

  /** Removes a tree; follows no link, whoever swaps it in meanwhile, and leaves other file systems alone. Absent is fine. */
  async remove(path: string): Promise<void> {
    const stat = await this.#host.files.stat(path);
    if (!stat) return;
    const below = (await this.#host.mounts.list()).find(({ target }) => target.startsWith(`${path}/`));
    if (below)
      throw new Error(`remove ${path}: ${below.source} is mounted at ${below.target}; unmount it first`);
    const args = ['--recursive', '--force', '--one-file-system', '--', path];
    await this.run(`remove ${path}`, 'rm', args);
  }

  /** Any other tool. @throws CsiStatus RESOURCE_EXHAUSTED, Error with what the tool said. */
  async run(purpose: string, command: string, args: readonly string[]): Promise<string> {
    const result = await this.#exec(command, args);
    if (result.exitCode !== 0) throw failure(purpose, command, result);
    return result.stdout;
  }

  #exec(command: string, args: readonly string[]): Promise<ExecResult> {
    const dying = ['--pdeathsig', 'KILL'];
    const locked = ['flock', '--shared', '--no-fork', this.#lock, command, ...args];
    return this.#host.processes.exec('setpriv', [...dying, ...locked], { timeoutMs: NO_TIMEOUT });
  }
}

function failure(purpose: string, command: string, { exitCode, stderr }: ExecResult): Error {
  const said = stderr.trim().slice(0, 1000) || `exit ${exitCode}`;
  const text = `${purpose}: ${command}: ${said}`;
  return FULL.test(stderr) ? new CsiStatus(Code.RESOURCE_EXHAUSTED, text) : new Error(text);
}
