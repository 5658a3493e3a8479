import { readFile } from 'node:fs/promises';

/** Of /proc/PID/stat: USER_HZ. */
const TICKS_A_SECOND = 100;

export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1024;
}

/** That the process has used so far, in all its threads. */
export async function processorSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (user! + system!) / TICKS_A_SECOND;
}

/** Runs a command as `npx stowage` runs: the flag is in the first line of bin/stowage.js, which starting it by Node leaves out. */
export const AS_NPX = ['env', 'NODE_OPTIONS=--max-semi-space-size=8'] as const;
