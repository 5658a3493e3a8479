import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { errorMessage, LOG_LEVELS, type LogLevel } from '../base/index.ts';
import { addFeatureGates, FEATURE_GATES } from '../cluster/feature-gates.ts';
import { OPTIONAL_CONTROLLERS, parseControllers } from '../cluster/optional-controllers.ts';
import { parseReplaceable, REPLACEABLE } from '../cluster/replaceable.ts';
import { defaultDataDir } from './data-dir.ts';
import { addDriverCommands } from './driver-commands.ts';
import { addDriverEndpoint } from './driver-endpoints.ts';
import { addLocalVolumes } from './local-provisioner-command.ts';
import { addNodeLabels } from './node-labels.ts';
import { addNodeLossFlags, nodeLossOf } from './node-loss.ts';
import { orInvalid } from './or-invalid.ts';
import { addStandaloneCommands } from './standalone-commands.ts';
import { UsageError } from './usage-error.ts';
import { addVerify } from './verify-command.ts';

const MAX_SIMULATED_NODES = 10_000;

/** Runs a command line; resolves to the exit code. Errors for users are one line on standard error. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('stowage')
    .description('The whole Kubernetes persistent-storage system in one process.')
    .version('0.1.0')
    .showSuggestionAfterError()
    // One line: the suggestion that follows an unknown name is part of it.
    .configureOutput({
      outputError: (text, write) => write(`stowage: ${text.trim().replace(/\n\s*/g, ' ')}\n`),
    })
    .enablePositionalOptions()
    .exitOverride();

  addNodeLossFlags(program.command('up'))
    .description(
      'Start API server, controllers, scheduler, sidecars, nodes and the disk driver, and stay in the foreground.\n' +
        'Ctrl-C stops pods, unmounts volumes and keeps the state; started again on the same data directory it carries on.',
    )
    .option('--data-dir <dir>', 'where state, certificates and volumes live', defaultDataDir())
    .option(
      '--ephemeral',
      'keep everything in memory and in a temporary directory that goes at the end',
      false,
    )
    .option(
      '--port <port>',
      'port of the API server on 127.0.0.1; 0 takes a free one',
      wholeNumber(0, 65535),
      6443,
    )
    .option('--kubeconfig <file>', 'where to write the kubeconfig (default: DATA-DIR/kubeconfig)')
    .option(
      '--nodes <n>',
      'how many nodes, named node-1 … node-N, two or more each a process of its own; 0 needs no root',
      wholeNumber(0, 100),
      1,
    )
    .option(
      '--simulated-nodes <n>',
      'how many nodes that exist in memory only, named sim-node-1 … sim-node-N; they need no root',
      wholeNumber(0, MAX_SIMULATED_NODES),
      0,
    )
    .option(
      '--node-labels <labels>',
      'labels with which nodes register, as node-1:KEY=VALUE,KEY2=VALUE2 or, for many, sim-node-1..50:KEY=VALUE; may be repeated',
      orInvalid(addNodeLabels),
    )
    .option(
      '--node-root <dir>',
      'the kubelet root of node-1; further nodes live in DIR/nodes/NAME (default: DATA-DIR/kubelet)',
    )
    .option(
      '--csi-driver <endpoint>',
      'a CSI driver that runs by itself, as unix:///path/csi.sock, or NODE=unix:///path/csi.sock for its socket of one node; may be repeated',
      orInvalid(addDriverEndpoint),
    )
    .option(
      '--local-provisioner <config>',
      'offer the local disks and file systems that this ConfigMap names as volumes of node-1, or, as NODE=CONFIG, of another; may be repeated',
      orInvalid(addLocalVolumes),
    )
    .option(
      '--volume-plugin-dir <dir>',
      'where FlexVolume drivers are looked for, as VENDOR~DRIVER/DRIVER',
      '/usr/libexec/kubernetes/kubelet-plugins/volume/exec/',
    )
    .option(
      '--encryption-key-file <file>',
      'an EncryptionConfiguration (aesgcm, identity): with what secrets are encrypted in the data directory',
    )
    .option(
      '--enable-hostpath-provisioner',
      'let classes with the provisioner kubernetes.io/host-path make volumes, in /tmp/hostpath_pv: for tests, on one node',
      false,
    )
    .option(
      '--without <list>',
      `what somebody else runs for this cluster, of ${REPLACEABLE.join(', ')}, separated by commas`,
      orInvalid(parseReplaceable),
    )
    .option(
      '--controllers <list>',
      `*,NAME starts a controller that is off by default: ${OPTIONAL_CONTROLLERS.join(', ')}`,
      orInvalid(parseControllers),
    )
    .option(
      '--feature-gates <gates>',
      `NAME=true,NAME2=false; may be repeated; of ${FEATURE_GATES.join(', ')}`,
      orInvalid(addFeatureGates),
    )
    .addOption(logLevel('warn'))
    .option('--ready-file <file>', 'written with the server URL once /readyz is ok, removed at the end')
    .action(async (options) => {
      const { up } = await import('./up.ts');
      exitCode = await up({
        ...options,
        csiDrivers: options.csiDriver,
        localVolumes: options.localProvisioner,
        nodeLoss: nodeLossOf(options),
      });
    });

  addDriverCommands(
    program,
    () => logLevel('warn'),
    (code) => {
      exitCode = code;
    },
  );

  addStandaloneCommands(program, (code) => {
    exitCode = code;
  });

  program
    .command('demo')
    .description(
      "Take a StatefulSet's volumes through all six steps on a stack of its own in a temporary directory, and clean up.",
    )
    .option('--replicas <n>', 'how many pods, each with a volume', wholeNumber(1, 100), 2)
    .addOption(logLevel('error'))
    .action(async (options) => {
      const { demo } = await import('./demo.ts');
      exitCode = await demo(options);
    });

  program
    .command('backup')
    .description(
      'Write state, certificates and keys of a data directory into one file, whether or not a cluster runs on it.\n' +
        'The contents of volumes (DATA-DIR/pool) are not part of it.',
    )
    .argument('<file>', 'the backup; must not exist yet')
    .option('--data-dir <dir>', 'the data directory', defaultDataDir())
    .option(
      '--kubeconfig <file>',
      "the administrator's, of the cluster that runs on it (default: DATA-DIR/kubeconfig)",
    )
    .action(async (file, options) => {
      const { backup } = await import('./backup.ts');
      exitCode = await backup(file, options);
    });

  program
    .command('restore')
    .description('Make a data directory from a backup, for a new "stowage up".')
    .argument('<file>', 'what "stowage backup" has written')
    .requiredOption('--data-dir <dir>', 'the data directory to make; must be empty or not exist')
    .action(async (file, options) => {
      const { restore } = await import('./backup.ts');
      exitCode = await restore(file, options);
    });

  addVerify(program, (code) => {
    exitCode = code;
  });

  const image = program
    .command('image')
    .description('The images in which containers can run; one that is not here is stood in for by the host.');
  const dataDir = () => new Option('--data-dir <dir>', 'the data directory').default(defaultDataDir());
  image
    .command('load')
    .description(
      'Load an OCI layout (tar), or what "docker save" writes. A cluster may run on the directory.',
    )
    .argument('<file>', 'the archive')
    .option('--name <name>', 'what to call the image, if not as the archive says')
    .addOption(dataDir())
    .action(async (file, options) => {
      const { imageLoad } = await import('./image.ts');
      exitCode = await imageLoad(file, options);
    });
  image
    .command('list')
    .description('Show the images that are loaded.')
    .addOption(dataDir())
    .action(async (options) => {
      const { imageList } = await import('./image.ts');
      exitCode = await imageList(options);
    });
  image
    .command('remove')
    .description('Take a name away, and the image with its last one.')
    .argument('<name>', 'NAME:TAG, or sha256:… for an image with all its names')
    .addOption(dataDir())
    .action(async (name, options) => {
      const { imageRemove } = await import('./image.ts');
      exitCode = await imageRemove(name, options);
    });

  try {
    await program.parseAsync(args as string[], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    const prefix = error instanceof UsageError ? 'stowage' : 'stowage: failed';
    process.stderr.write(`${prefix}: ${errorMessage(error)}\n`);
    return 1;
  }
}

function logLevel(level: LogLevel): Option {
  return new Option('--log-level <level>', 'what to log to standard error')
    .choices(LOG_LEVELS)
    .default(level);
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}
