import { type Command, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS } from '../base/index.ts';
import { addFeatureGates } from '../cluster/feature-gates.ts';
import { parseEndpoint } from '../csi/index.ts';
import { defaultDataDir } from './data-dir.ts';
import { durationOption } from './duration-option.ts';
import { parseLabels } from './node-labels.ts';
import { orInvalid } from './or-invalid.ts';

/** Adds `stowage node`, whose flags are the kubelet's where it has them. */
export function addNodeCommand(program: Command, done: (exitCode: number) => void): void {
  program
    .command('node')
    .description(
      'Run a node by itself, on any cluster, in place of a kubelet: in a mount or network namespace of its own, if it is\n' +
        'started in one. At its end pods go on, and its next start finds them; --stop-pods stops them.\n' +
        'With --name and --data-dir, and nothing else: start a node of "stowage up --nodes N" again that was stopped alone.',
    )
    .option('--name <name>', "the Node object's name (default: the host's)")
    .option('--data-dir <dir>', 'of the "stowage up" whose node it is: all else is as that has started it')
    .option('--kubeconfig <file>', 'of the cluster; else by KUBECONFIG, or as the service account of the pod')
    .option('--node-root <dir>', 'for pods, plugins, volumes, logs and images', '/var/lib/kubelet')
    .option('--state-dir <dir>', 'for what containers keep, and their logs (default: NODE-ROOT)')
    .option('--image-dir <dir>', 'for the images that containers can run in (default: NODE-ROOT/images)')
    .option(
      '--hide-from-pods <path>',
      'a path of the host that pods must not see; may be repeated',
      (path: string, before: readonly string[] = []) => [...before, path],
    )
    .option(
      '--node-labels <labels>',
      'labels with which it registers, as KEY=VALUE,KEY2=VALUE2',
      orInvalid((text: string) => parseLabels(text)),
    )
    .option('--address <ip>', 'where its server listens, and its InternalIP', '127.0.0.1')
    .option('--port <port>', 'of its server; 0 takes a free one', port, 10250)
    .option('--tls-cert-file <file>', 'what its server shows; without it there are no logs and no exec')
    .option('--tls-private-key-file <file>', 'the key to it')
    .option('--client-ca-file <file>', 'the authority of those who may ask it')
    .option(
      '--csi-driver <endpoint>',
      'the node service of a CSI driver, as unix:///path/csi.sock, to register; may be repeated',
      orInvalid((text: string, before: readonly string[] = []) => [
        ...before,
        `unix://${parseEndpoint(text)}`,
      ]),
    )
    .option(
      '--volume-plugin-dir <dir>',
      'where FlexVolume drivers are looked for, as VENDOR~DRIVER/DRIVER',
      '/usr/libexec/kubernetes/kubelet-plugins/volume/exec/',
    )
    .option(
      '--enable-controller-attach-detach <bool>',
      'leave attaching to the attach/detach controller; false: the node attaches for itself',
      bool,
      true,
    )
    .option('--node-lease-duration-seconds <n>', 'how long its lease is good for', seconds, 40)
    .option('--pod-max-pids <n>', 'how many processes a pod may have; -1: any number', pids, -1)
    .addOption(durationOption('--volume-stats-agg-period', 'how often volumes are looked at', 60_000))
    .option(
      '--feature-gates <gates>',
      'NAME=true,NAME2=false; may be repeated; of a node is CSIVolumeHealth',
      orInvalid(addFeatureGates),
    )
    .option('--stop-pods', 'stop pods and unmount volumes at the end', false)
    .option('--end-with-stdin', 'end when standard input does, and leave pods as they are', false)
    .addOption(
      new Option('--log-level <level>', 'what to log to standard error').choices(LOG_LEVELS).default('info'),
    )
    .action(async (flags) => {
      const { node } = await import('./node.ts');
      done(await node(flags));
    });
}

/** Adds `stowage node-credentials`, for nodes by themselves. */
export function addNodeCredentials(program: Command, done: (exitCode: number) => void): void {
  program
    .command('node-credentials')
    .description(
      'Write what "stowage node" needs to join the cluster of a data directory: a kubeconfig with the rights of that node and\n' +
        'no more, and a certificate for its server; good for a year. Prints the command that uses them.',
    )
    .argument('<name>', "the Node object's name")
    .argument('<directory>', 'where to write them, readable by their owner only')
    .option('--data-dir <dir>', 'the data directory of "stowage up", whose authority signs', defaultDataDir())
    .option('--kubeconfig <file>', 'which says where the API server is (default: DATA-DIR/kubeconfig)')
    .option('--server <url>', 'where the node finds the API server (default: as the kubeconfig has it)')
    .option('--address <ip>', 'where the node is going to listen', '127.0.0.1')
    .action(async (name, directory, flags) => {
      const { nodeCredentials } = await import('./node-credentials.ts');
      done(await nodeCredentials(name, directory, flags));
    });
}

const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
const port = wholeNumber(0, 65535);
const seconds = wholeNumber(1, 3600);
/** pid_max of a 64-bit kernel (proc_sys_kernel(5)). */
const someProcesses = wholeNumber(1, 4_194_304);
const pids = (text: string): number => (text === '-1' ? -1 : someProcesses(text));

function bool(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('It must be true or false.');
  return text === 'true';
}
