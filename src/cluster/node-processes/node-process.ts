import { createInterface } from 'node:readline';
import {
  aborted,
  type Clock,
  errorMessage,
  firstAborted,
  type Logger,
  type LogSink,
  sleep,
} from '../../base/index.ts';
import type { Component } from '../../client/index.ts';
import type { Host } from '../../host/index.ts';
import { afterEnd } from './after-end.ts';
import { onlyOne } from './command-line.ts';
import { isLocked } from './lock.ts';

/** How long a node may take to stop its pods and unmount: as long as it gives up itself, and some. */
const STOP_LIMIT_MS = 90_000;

export interface NodeProcessOptions {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  readonly name: string;
  /** `stowage node` with its flags. */
  readonly command: readonly string[];
  /** The process that holds its mount namespace. */
  readonly holder: number;
  /** Says the node's process id, and is locked as long as that runs. */
  readonly pidFile: string;
  /** What the user can start it again with. */
  readonly startsWith: string;
  readonly say: LogSink;
}

export interface NodeProcess extends Component {
  /** Rejects when its first process fails. Never resolves. */
  readonly failed: Promise<never>;
}

/**
 * Keeps the process of a node running. One that was stopped (by SIGTERM, with exit code 0) stays down, and one that
 * somebody else has started meanwhile is left alone; any other end is a crash, after which it is started again. At the end
 * the node is stopped, whoever has started it.
 */
export function createNodeProcess(options: NodeProcessOptions): NodeProcess {
  const { host, clock, name, pidFile, startsWith } = options;
  const log = options.log.child({ node: name });
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  return {
    name: `process of node ${name}`,
    failed: failed.promise,
    async start(signal) {
      await end('SIGKILL', 'the node of an earlier run is still there');
      for (let failures = 0; !signal.aborted; ) {
        const startedAtMs = clock.monotonic();
        const exitCode = await runOnce(signal);
        if (signal.aborted) break;
        const next = afterEnd(exitCode, clock.monotonic() - startedAtMs, failures);
        if (next.kind === 'starts again') {
          const why = exitCode === undefined ? 'a signal' : `exit code ${exitCode}`;
          failed.reject(new Error(`node ${name} could not be started: its process ended with ${why}`));
          log.error(`the node ended with ${why}; starting it again`, { inMs: next.delayMs });
          failures = next.failures;
          await sleep(clock, next.delayMs, signal).catch(() => undefined);
        } else {
          if (next.kind === 'stays down')
            log.warn(`the node was stopped, and stays so until it is started again: ${startsWith}`);
          await aborted(signal);
        }
      }
      await end('SIGTERM', 'the node was told to stop, and has not');
    },
  };

  /** Resolves to its exit code; undefined when a signal ended it. */
  async function runOnce(signal: AbortSignal): Promise<number | undefined> {
    // Its standard input leads to us, and it ends when we do: whoever comes after us must not meet it.
    const command = [...options.command, '--end-with-stdin'];
    const [file, ...args] = onlyOne(command, { ...options, told: 'echo $$; ' });
    const { streams, exit } = host.processes.connect(file, args, 3);
    const [, stdout, stderr] = streams;
    createInterface({ input: stderr }).on('line', options.say);
    const stop = new AbortController();
    createInterface({ input: stdout }).once('line', (pid) => {
      void endOnAbort(Number(pid), signal, stop.signal);
    });
    try {
      return await exit;
    } finally {
      stop.abort();
    }
  }

  /** Stops a process when it is time to, and does not wait for ever. */
  async function endOnAbort(pid: number, signal: AbortSignal, ended: AbortSignal): Promise<void> {
    await firstAborted([signal, ended]);
    if (ended.aborted) return;
    await kill(pid, 'SIGTERM');
    await sleep(clock, STOP_LIMIT_MS, ended).catch(() => undefined);
    if (ended.aborted) return;
    log.error(`the node has not stopped its pods within ${STOP_LIMIT_MS / 1000}s; it is killed`);
    await kill(pid, 'SIGKILL');
  }

  async function kill(pid: number, how: NodeJS.Signals): Promise<void> {
    const found = await host.processes.find(pid);
    if (found) await host.processes.kill(found, how);
  }

  /** Ends the node if it runs, whoever has started it. Killed, it leaves its pods running, and the next one finds them. */
  async function end(how: NodeJS.Signals, otherwise: string): Promise<void> {
    try {
      if (!(await isLocked(host, pidFile))) return;
      await kill(Number(await host.files.read(pidFile)), how);
      if (await isLocked(host, pidFile, STOP_LIMIT_MS / 1000)) log.error(otherwise, { pidFile });
    } catch (error) {
      log.error(otherwise, { error: errorMessage(error) });
    }
  }
}
