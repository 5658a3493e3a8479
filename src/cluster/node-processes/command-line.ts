import type { LogLevel } from '../../base/index.ts';
import { entering } from '../../host/namespaces/index.ts';
import type { FeatureGates } from '../feature-gates.ts';
import type { NodeCredentials } from './credentials.ts';
import { LOCKING } from './lock.ts';

/** What a node is started with. */
export interface NodeSettings {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeRoot: string;
  readonly stateDirectory: string;
  readonly imageDirectory: string;
  readonly hiddenFromPods: readonly string[];
  readonly credentials: NodeCredentials;
  readonly volumePluginDir?: string | undefined;
  readonly volumeStatsPeriodMs?: number | undefined;
  readonly nodeLeaseDurationSeconds?: number | undefined;
  readonly featureGates?: FeatureGates;
  readonly logLevel?: LogLevel;
}

/** The flags of `stowage node` that say it: nothing but what anybody could type. */
export function nodeFlags(settings: NodeSettings): readonly string[] {
  const {
    credentials,
    volumePluginDir,
    volumeStatsPeriodMs,
    featureGates = {},
    logLevel = 'warn',
  } = settings;
  const labels = Object.entries(settings.labels).map(([key, value]) => `${key}=${value}`);
  const gates = Object.entries(featureGates).map(([gate, on]) => `${gate}=${on}`);
  const optional = (flag: string, value: string | undefined) => (value ? [flag, value] : []);
  return [
    ...['--name', settings.name, '--kubeconfig', credentials.kubeconfig],
    ...['--node-root', settings.nodeRoot, '--state-dir', settings.stateDirectory],
    ...['--image-dir', settings.imageDirectory],
    ...['--port', '0', '--tls-cert-file', credentials.cert],
    ...['--tls-private-key-file', credentials.key, '--client-ca-file', credentials.ca],
    ...settings.hiddenFromPods.flatMap((path) => ['--hide-from-pods', path]),
    ...optional('--node-labels', labels.join()),
    ...optional('--volume-plugin-dir', volumePluginDir),
    ...optional('--volume-stats-agg-period', volumeStatsPeriodMs ? `${volumeStatsPeriodMs}ms` : undefined),
    ...optional('--node-lease-duration-seconds', settings.nodeLeaseDurationSeconds?.toString()),
    ...optional('--feature-gates', gates.join()),
    ...['--log-level', logLevel, '--stop-pods'],
  ];
}

/**
 * A command that runs in a node's mount namespace as the only one of its kind: as long as it runs it holds the lock of a
 * file, which says its process id. `told` is a script that is run when it has it.
 */
export function onlyOne(
  command: readonly string[],
  { pidFile, holder, told = '' }: { pidFile: string; holder: number; told?: string },
): readonly [string, ...string[]] {
  const script = `echo $$ >"$0"; ${told}exec "$@"`;
  return [...LOCKING, ...[pidFile, '/bin/sh', '-c', script, pidFile], ...entering(holder), ...command];
}
