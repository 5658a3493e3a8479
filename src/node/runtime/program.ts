import type { ContainerMount } from './contract.ts';
import { records, volumeFields } from './root-plan.ts';

/**
 * What a container's process is to become, for program.pl: the directory, the number of words, the words, and the
 * variables.
 */
export function programRecord(options: {
  readonly command: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly workingDir: string;
}): string {
  const { command, environment, workingDir } = options;
  const variables = [...environment].map(([name, value]) => `${name}=${value}`);
  return line([workingDir, String(command.length), ...command, ...variables]);
}

/** What a container that is made ready waits for (enter.pl): its volumes, then its program. */
export function startOrder(
  volumes: readonly (ContainerMount & { readonly isFile?: boolean })[],
  program: Parameters<typeof programRecord>[0],
): string {
  return line(volumeFields(volumes)) + programRecord(program);
}

/**
 * How many fields follow, then the fields, each with a zero byte at its end; all of it in hexadecimal digits, for it may
 * come by way of a shell.
 */
function line(fields: readonly string[]): string {
  return `${Buffer.from(records([[String(fields.length)], fields])).toString('hex')}\n`;
}
