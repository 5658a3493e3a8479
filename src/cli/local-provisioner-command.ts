import { type Command, Option } from 'commander';
import { LOG_LEVELS } from '../base/index.ts';
import type { LocalVolumes } from '../cluster/local-provisioner.ts';
import { durationOption } from './duration-option.ts';

/** Adds `stowage local-provisioner`, whose flags and environment are those of its upstream twin. */
export function addLocalProvisioner(program: Command, done: (exitCode: number) => void): void {
  program
    .command('local-provisioner')
    .description(
      'Offer the local disks and file systems of a node as PersistentVolumes, on any cluster, in place of the\n' +
        'local-volume-provisioner; those that are given back are wiped and offered again.',
    )
    .option(
      '--config <path>',
      "a file with upstream's ConfigMap, or the directory that it is mounted at",
      '/etc/provisioner/config',
    )
    .addOption(new Option('--node <name>', 'the Node object of this machine').env('MY_NODE_NAME'))
    .option('--kubeconfig <file>', 'of the cluster; else by KUBECONFIG, or as the service account of the pod')
    .addOption(durationOption('--discovery-period', 'how often it looks for volumes', 10_000))
    .addOption(durationOption('--config-sync-period', 'how often it reads its configuration', 5_000))
    .addOption(
      new Option('--namespace <name>', 'where Jobs run that wipe disks')
        .env('MY_NAMESPACE')
        .default('default'),
    )
    .addOption(new Option('--job-image <image>', 'what they run in').env('JOB_CONTAINER_IMAGE'))
    .option('--listen-address <address>', 'where /ready and metrics are served, as 127.0.0.1:8080')
    .option('--metrics-path <path>', 'of the metrics', '/metrics')
    .addOption(
      new Option('--log-level <level>', 'what to log to standard error').choices(LOG_LEVELS).default('info'),
    )
    .action(async (flags) => {
      const { localProvisioner } = await import('./local-provisioner.ts');
      done(await localProvisioner(flags));
    });
}

/**
 * Adds what one `--local-provisioner [NODE=]PATH` of `stowage up` says to those before it.
 * @throws Error that says what is wrong with it.
 */
export function addLocalVolumes(text: string, before: readonly LocalVolumes[] = []): readonly LocalVolumes[] {
  const [, node, config = ''] = /^(?:(node-[1-9]\d*)=)?(.*)$/s.exec(text) ?? [];
  if (config === '') throw new Error('It must be the path of a configuration, or NODE=PATH.');
  if (before.some((other) => (other.node ?? 'node-1') === (node ?? 'node-1')))
    throw new Error(`${node ?? 'node-1'} has a configuration already; one may name several classes.`);
  return [...before, { config, ...(node !== undefined && { node }) }];
}
