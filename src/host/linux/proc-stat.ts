/** What /proc/PID/stat says that matters here. */
export interface ProcessStat {
  readonly pid: number;
  /** R, S, D, Z … */
  readonly state: string;
  readonly parentPid: number;
  /** Clock ticks since boot. */
  readonly startTicks: bigint;
}

/** Parses /proc/PID/stat (proc_pid_stat(5)). The command name may hold spaces and parentheses: fields count from its last ')'. */
export function parseStat(text: string): ProcessStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < 0) return undefined;
  const fields = text.slice(close + 2).split(' ');
  const startTicks = fields[19];
  if (startTicks === undefined || !/^\d+$/.test(startTicks)) return undefined;
  return {
    pid: Number(text.slice(0, open)),
    state: fields[0]!,
    parentPid: Number(fields[1]),
    startTicks: BigInt(startTicks),
  };
}
