import { createLogger, type Logger, systemClock } from '../../base/index.ts';
import { UsageError } from '../usage-error.ts';
import { FlagError, type Flags, parseFlags, usageOf, type Values } from './go-flags.ts';

const VERSION = '0.1.0';

/** Reads the flags, and runs with them unless they ask for help or the version. */
export async function withFlags<F extends Flags>(
  command: string,
  twin: string,
  flags: F,
  args: readonly string[],
  run: (values: Values<F>, log: Logger) => Promise<number>,
): Promise<number> {
  if (args.some((argument) => /^--?h(elp)?$/.test(argument))) {
    process.stdout.write(`Usage of stowage ${command} (upstream: ${twin}):\n${usageOf(flags)}`);
    return 0;
  }
  try {
    const { values } = parseFlags(flags, args);
    const { v, version } = values as { v: number; version: boolean };
    if (version) {
      process.stdout.write(`stowage ${command} ${VERSION}\n`);
      return 0;
    }
    const clock = systemClock;
    const log = createLogger({
      level: v >= 4 ? 'debug' : 'info',
      now: () => clock.now(),
      sink: (line) => process.stderr.write(`${line}\n`),
    });
    return await run(values, log);
  } catch (error) {
    if (error instanceof FlagError)
      throw new UsageError(`${command}: ${error.message}; "stowage ${command} --help" names the flags`);
    throw error instanceof UsageError ? new UsageError(`${command}: ${error.message}`) : error;
  }
}
