import type { Command, Option } from 'commander';

/** `stowage driver KIND`: each of our CSI drivers by itself. `exit` gets the exit code. */
export function addDriverCommands(
  program: Command,
  logLevel: () => Option,
  exit: (exitCode: number) => void,
): void {
  const drivers = program
    .command('driver')
    .description('Run a CSI driver of Stowage by itself, for this cluster or any other.');
  /** What they all take. */
  const driver = (kind: string, description: string) =>
    drivers
      .command(kind)
      .description(description)
      .requiredOption('--endpoint <endpoint>', 'where to serve, as unix:///path/csi.sock')
      .option('--node-id <name>', 'serve the services of this node too')
      .option('--driver-name <name>', `what it is called (default: ${kind}.csi.stowage.dev)`)
      .addOption(logLevel());

  driver(
    'disk',
    'Volumes are image files in a directory, attached as loop devices. Give --node-id to serve a node too.',
  )
    .requiredOption('--pool <dir>', 'where the volumes are; one process at a time may use it')
    .action(async (options) => {
      const { driverDisk } = await import('./driver.ts');
      exit(await driverDisk(options));
    });

  driver(
    'nas',
    'Volumes are directories of a directory, or of NFS exports, for any number of pods and nodes at once. Give --node-id ' +
      'to serve a node too.',
  )
    .requiredOption(
      '--directory <dir>',
      'where volumes without an export are, and what is known of all; one controller at a time may use it',
    )
    .option('--no-controller', 'serve the node only: its controller is elsewhere')
    .action(async (options) => {
      const { driverNas } = await import('./driver-nas.ts');
      exit(await driverNas(options));
    });

  driver(
    'oss',
    'Volumes are buckets of an S3-compatible object store, or prefixes in one, mounted by s3fs or rclone. Give --node-id ' +
      'and --state-dir to serve a node too.',
  )
    .option('--state-dir <dir>', "what must be known of the node's mounts; one process at a time may use it")
    .action(async (options) => {
      const { driverOss } = await import('./driver-oss.ts');
      exit(await driverOss(options));
    });
}
