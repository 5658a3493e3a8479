import type { ProcessId } from '../../host/index.ts';

/** What the file `status` of a container says: the shim and the init script write it line by line. */
export interface StartStatus {
  readonly shim?: ProcessId;
  readonly init?: ProcessId;
  /** As /proc/PID/ns/mnt names it. */
  readonly mountNamespace?: string;
  /** The program runs. */
  readonly started: boolean;
  /** What tools complained of, and the step that failed. */
  readonly errors: readonly string[];
}

export function parseStatusFile(text: string): StartStatus {
  const status: {
    shim?: ProcessId;
    init?: ProcessId;
    mountNamespace?: string;
    started: boolean;
    errors: string[];
  } = {
    started: false,
    errors: [],
  };
  // The last line may still be on its way.
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') continue;
    if (line === 'started') status.started = true;
    // The first counts: later on the file is open in the container, which must not name processes for us to kill.
    else if (line.startsWith('shim ')) status.shim ??= processId(line.slice(5));
    else if (line.startsWith('init ')) status.init ??= processId(line.slice(5));
    else if (line.startsWith('mounts ')) status.mountNamespace ??= line.slice(7);
    else status.errors.push(line.startsWith('error ') ? line.slice(6) : line);
  }
  return status;
}

/** From a line of /proc/PID/stat of a shell: `123 (sh) S 1 …`; the start time is field 22. */
function processId(stat: string): ProcessId | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const pid = Number.parseInt(stat, 10);
  const startTicks = fields[19];
  return pid > 0 && startTicks !== undefined ? { pid, startTicks: BigInt(startTicks) } : undefined;
}
