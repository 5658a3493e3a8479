import { join } from 'node:path';
import type { ExecResult, Host } from '../../host/index.ts';
import type { ContainerProcess } from './container-process.ts';
import type { ContainerSession, SessionOptions } from './contract.ts';
import { programRecord } from './program.ts';
import { identityArguments } from './security.ts';
import { processSession, SESSION_DESCRIPTORS, streamsArgument } from './session.ts';

export interface ContainerCommandsOptions {
  readonly host: Host;
  /** Where the scripts are. */
  readonly directory: string;
}

/** Runs commands in the namespaces of containers, as their users and with their environments. */
export class ContainerCommands {
  readonly #options: ContainerCommandsOptions;
  /** Of the containers that were started here; in memory only, for it may hold secrets. */
  readonly #environments = new Map<string, ReadonlyMap<string, string>>();

  constructor(options: ContainerCommandsOptions) {
    this.#options = options;
  }

  /** What the commands of a container are given. */
  remember(id: string, environment: ReadonlyMap<string, string>): void {
    this.#environments.set(id, environment);
  }

  forget(id: string): void {
    this.#environments.delete(id);
  }

  async exec(
    container: ContainerProcess,
    command: readonly string[],
    options: { readonly timeoutMs: number },
  ): Promise<ExecResult> {
    const environment = await this.#environmentOf(container);
    const { workingDir } = container.stored;
    return this.#options.host.processes.exec('perl', this.#enterArguments('exec', container), {
      input: programRecord({ command, environment, workingDir }),
      ...options,
    });
  }

  async session(
    container: ContainerProcess,
    command: readonly string[],
    options: SessionOptions,
  ): Promise<ContainerSession> {
    const given = await this.#environmentOf(container);
    const { workingDir } = container.stored;
    // As containerd does: a program would take the terminal for none that it knows.
    const environment = options.tty ? new Map([['TERM', 'xterm'], ...given]) : given;
    const program = programRecord({ command, environment, workingDir });
    const args = this.#enterArguments('session', container, streamsArgument(options));
    const process = this.#options.host.processes.connect('perl', args, SESSION_DESCRIPTORS);
    return processSession(process, program, options);
  }

  /** Of a container that runs. */
  async #environmentOf({ record }: ContainerProcess): Promise<ReadonlyMap<string, string>> {
    const { id, pid, state } = record;
    if (state !== 'running') throw new Error(`exec in container ${id}: it is not running`);
    // An adopted container's is what its process 1 was given.
    return (
      this.#environments.get(id) ??
      parseEnvironment(await this.#options.host.files.read(`/proc/${pid}/environ`))
    );
  }

  /** Not nsenter: what it starts in the container would be the container's, with all of our capabilities. */
  #enterArguments(mode: 'exec' | 'session', container: ContainerProcess, ...more: string[]): string[] {
    const startTicks = String(container.init?.startTicks ?? '');
    return [
      join(this.#options.directory, 'enter.pl'),
      mode,
      String(container.record.pid),
      startTicks,
      container.stored.cgroup?.directory ?? '',
      ...more,
      ...identityArguments(container.stored.security),
    ];
  }
}

/** /proc/PID/environ. */
function parseEnvironment(text: string): Map<string, string> {
  const environment = new Map<string, string>();
  for (const entry of text.split('\u0000')) {
    const equals = entry.indexOf('=');
    if (equals > 0) environment.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  return environment;
}
