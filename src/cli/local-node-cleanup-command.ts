import { type Command, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS, parseDuration } from '../base/index.ts';

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
    .addOption(period('--pvc-deletion-delay', 'how long a node may be gone before its claims are', 60))
    .addOption(period('--stale-pv-discovery-interval', 'how often it looks for volumes of such nodes', 10))
    .addOption(period('--resync', 'has no effect: caches follow every change', 600))
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

/** The value of the option is in milliseconds. */
function period(flag: string, description: string, defaultSeconds: number): Option {
  return new Option(`${flag} <duration>`, description)
    .argParser(duration)
    .default(defaultSeconds * 1000, `${defaultSeconds}s`);
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 0) throw new InvalidArgumentError('It must be a duration such as 10s.');
  return ms;
}
