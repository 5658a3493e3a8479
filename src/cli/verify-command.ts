import { type Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS } from '../base/index.ts';
import { UsageError } from './usage-error.ts';

/** Of a command line or a file that is no good, and of a driver that is not there. */
const USAGE = 2;

/** `stowage verify`: 0 when the driver meets every check, 1 when not, 2 when no check could be made. */
export function addVerify(program: Command, exit: (code: number) => void): void {
  program
    .command('verify')
    .description(
      'Check a CSI driver against the specification, through its socket: every call that it claims to support, wrong\n' +
        'arguments, repetition, concurrency, limits, and the life of a volume in a cluster of its own. Use a driver\n' +
        'without volumes that matter. Exit status: 0 all met, 1 something failed, 2 no check could be made.',
    )
    .requiredOption('--csi-address <endpoint>', "the driver's socket, as unix:///path/csi.sock")
    .option('--csi-controller-address <endpoint>', 'that of its controller, if another')
    .addOption(
      new Option('--output <format>', 'how to report').choices(['text', 'json', 'junit']).default('text'),
    )
    .option('--output-file <file>', 'write the report there')
    .addOption(
      new Option('--access-type <type>', 'how volumes are used').choices(['mount', 'block']).default('mount'),
    )
    .option('--size <quantity>', 'of each volume', '1Gi')
    .option('--parameters-file <file>', 'YAML with the parameters of a StorageClass that the driver wants')
    .option('--mutable-parameters-file <file>', 'YAML with parameters that a volume can be modified with')
    .option('--snapshot-parameters-file <file>', 'YAML with the parameters of a VolumeSnapshotClass')
    .option('--secrets-file <file>', 'YAML with secrets by call, as csi-sanity has it: CreateVolumeSecret: …')
    .option('--restart-command <command>', 'restarts the driver; without it no check does')
    .option('--no-life-cycle', 'leave out the life of a volume in a cluster, which needs root')
    .option('--only <text>', 'make the checks alone whose name contains this')
    .option('--timeout <seconds>', 'for each call', seconds, 60)
    .addOption(
      new Option('--log-level <level>', 'what to log to standard error').choices(LOG_LEVELS).default('error'),
    )
    .exitOverride((error) => {
      throw new CommanderError(error.exitCode === 0 ? 0 : USAGE, error.code, error.message);
    })
    .action(async (options) => {
      const { verify } = await import('./verify.ts');
      try {
        exit(await verify(options));
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        process.stderr.write(`stowage: ${error.message}\n`);
        exit(USAGE);
      }
    });
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number of seconds above 0.');
  return value;
}
