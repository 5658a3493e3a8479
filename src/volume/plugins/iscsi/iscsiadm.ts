import type { Host } from '../../../host/index.ts';

export interface Said {
  readonly exitCode: number;
  readonly output: string;
}

/** iscsiadm(8): the exit codes that tell something. */
export const SESSION_EXISTS = 15;
const SESSION_NOT_FOUND = 2;
const NO_OBJECTS_FOUND = 21;

/** Runs iscsiadm; any exit code resolves. Its arguments may be a secret: no error tells them. */
export async function iscsiadm(host: Pick<Host, 'processes'>, ...args: readonly string[]): Promise<Said> {
  const { exitCode, stdout, stderr } = await host.processes.exec('iscsiadm', args, {
    argumentsAreSecret: true,
  });
  return { exitCode, output: stdout + stderr };
}

export function failed({ exitCode }: Said): boolean {
  return exitCode !== 0;
}

/** What is gone already is fine. */
export function failedToRemove({ exitCode }: Said): boolean {
  return ![0, SESSION_NOT_FOUND, NO_OBJECTS_FOUND].includes(exitCode);
}
