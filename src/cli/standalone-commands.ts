import { type Command, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS } from '../base/index.ts';
import { addFeatureGates, FEATURE_GATES } from '../cluster/feature-gates.ts';
import { OPTIONAL_CONTROLLERS, parseControllers } from '../cluster/optional-controllers.ts';
import { durationOption } from './duration-option.ts';
import { addLocalNodeCleanup } from './local-node-cleanup-command.ts';
import { addLocalProvisioner } from './local-provisioner-command.ts';
import { addNodeCommand, addNodeCredentials } from './node-command.ts';
import { orInvalid } from './or-invalid.ts';

/** Adds the commands that run one part of a cluster in a process of its own. `done` is told the exit code. */
export function addStandaloneCommands(program: Command, done: (exitCode: number) => void): void {
  program
    .command('sidecar')
    .description(
      'Run one CSI sidecar beside any driver, on any cluster, with the flags of its upstream twin: provisioner, attacher,\n' +
        'resizer, snapshotter, snapshot-controller, snapshot-metadata, health-monitor, registrar, livenessprobe.\n' +
        '"stowage sidecar NAME --help" names them.',
    )
    .argument('<name>', 'which')
    .argument('[flags...]', 'its flags')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (name: string, flags: string[]) => {
      const { sidecar } = await import('./sidecar/index.ts');
      done(await sidecar(name, flags));
    });
  program
    .command('sidecars')
    .description(
      'Run several in one process, as --with provisioner,attacher,livenessprobe: they share the socket and the informers.\n' +
        '"stowage sidecars --help" names the flags.',
    )
    .argument('[flags...]', 'their flags')
    .helpOption(false)
    .allowUnknownOption()
    .action(async (flags: string[]) => {
      const { sidecars } = await import('./sidecar/index.ts');
      done(await sidecars(flags));
    });
  addNodeCommand(program, done);
  addNodeCredentials(program, done);
  addLocalProvisioner(program, done);
  addLocalNodeCleanup(program, done);
  plane(program.command('controllers'), 'kube-controller-manager')
    .description('Run the controllers by themselves, on any cluster, in place of kube-controller-manager.')
    .option(
      '--root-ca-file <file>',
      'the authority that pods know the API server by (default: that of the kubeconfig)',
    )
    .option(
      '--enable-hostpath-provisioner',
      'let classes with the provisioner kubernetes.io/host-path make volumes: for tests, on one node',
      false,
    )
    .option(
      '--controllers <list>',
      `*,NAME starts a controller that is off by default: ${OPTIONAL_CONTROLLERS.join(', ')}`,
      orInvalid(parseControllers),
    )
    .action(async (options) => {
      const { controllers } = await import('./control-plane.ts');
      done(await controllers(options));
    });
  plane(program.command('scheduler'), 'kube-scheduler')
    .description('Run the scheduler by itself, on any cluster, in place of kube-scheduler.')
    .action(async (options) => {
      const { runScheduler } = await import('./control-plane.ts');
      done(await runScheduler(options));
    });
}

/** What the parts of the control plane take, with upstream's names and defaults but for the limit of requests. */
function plane(command: Command, twin: string): Command {
  return command
    .option('--kubeconfig <file>', 'of the cluster; else by KUBECONFIG, or as the service account of the pod')
    .option('--master <url>', 'the API server, in place of the one in the kubeconfig')
    .option('--no-leader-elect', 'work without holding the Lease: there must be one such process only')
    .option('--leader-elect-resource-namespace <name>', 'where the Lease is', 'kube-system')
    .option('--leader-elect-resource-name <name>', 'the Lease', twin)
    .addOption(durationOption('--leader-elect-lease-duration', 'how long others leave it alone', 15_000))
    .addOption(
      durationOption('--leader-elect-renew-deadline', 'when a leader that cannot renew it ends', 10_000),
    )
    .addOption(durationOption('--leader-elect-retry-period', 'between two tries', 2_000))
    .option('--kube-api-qps <n>', 'requests a second; 0: as many as the server takes', number, 0)
    .option('--kube-api-burst <n>', 'how many at once, where there is a limit', number, 30)
    .option(
      '--health-address <address>',
      'where /healthz is served, and /metrics of controllers, as 127.0.0.1:10257',
    )
    .option(
      '--feature-gates <gates>',
      `NAME=true,NAME2=false; may be repeated; of ${FEATURE_GATES.join(', ')}`,
      orInvalid(addFeatureGates),
    )
    .addOption(
      new Option('--log-level <level>', 'what to log to standard error').choices(LOG_LEVELS).default('info'),
    );
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('It must be a number.');
  return value;
}
