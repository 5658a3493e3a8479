import { records } from './root-plan.ts';

/**
 * What a container's process is to become, for program.pl: how many fields follow, then the directory, the number of words,
 * the words, and the variables. Each field ends with a zero byte; all of it is in hexadecimal digits, for it comes by way of
 * a shell.
 */
export function programRecord(options: {
  readonly command: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly workingDir: string;
}): string {
  const { command, environment, workingDir } = options;
  const variables = [...environment].map(([name, value]) => `${name}=${value}`);
  const fields = [workingDir, String(command.length), ...command, ...variables];
  return `${Buffer.from(records([[String(fields.length)], fields])).toString('hex')}\n`;
}
