import { type Command, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS } from '../base/index.ts';
import { durationOption } from './duration-option.ts';

/** Adds `stowage local-node-cleanup`, whose flags are those of its upstream twin. */
export function addLocalNodeCleanup(program: Command, done: (exitCode: number) => void): void {
  program
    .command('local-node-cleanup')
    .description(
      'Delete the claims of local volumes whose node is gone, and those volumes, on any cluster, in place of the\n' +
        'local-volume-node-cleanup-controller: their data is taken for lost, and a StatefulSet gets volumes elsewhere.',
    )
    .option('--kubeconfig <file>', 'of the cluster; else by KUBECONFIG, or as the service account of the pod')
    .option('--kube-api-endpoint <url>', 'the API server, in place of the one in the kubeconfig')
    .addOption(
      new Option('--storageclass-names <list>', 'of which classes, separated by commas; of no other')
        .argParser(names)
        .default([], 'none'),
    )
    .addOption(
      durationOption('--pvc-deletion-delay', 'how long a node may be gone before its claims are', 60_000, 0),
    )
    .addOption(
      durationOption(
        '--stale-pv-discovery-interval',
        'how often it looks for volumes of such nodes',
        10_000,
        0,
      ),
    )
    .addOption(durationOption('--resync', 'has no effect: caches follow every change', 600_000, 0))
    .addOption(
      new Option('--worker-threads <n>', 'how many claims at once').argParser(positive).default(10, '10'),
    )
    .option('--listen-address <address>', 'where metrics are served; empty: nowhere', ':8080')
    .option('--metrics-path <path>', 'of the metrics', '/metrics')
    .addOption(
      new Option('--log-level <level>', 'what to log to standard error').choices(LOG_LEVELS).default('info'),
    )
    .action(async (flags) => {
      const { localNodeCleanup } = await import('./local-node-cleanup.ts');
      done(await localNodeCleanup(flags));
    });
}

function names(text: string, before: readonly string[]): readonly string[] {
  return [...before, ...text.split(',').filter(Boolean)];
}

function positive(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.');
  return Number(text);
}
