import { readFile } from 'node:fs/promises';
import { errorMessage, type Logger } from '../../base/index.ts';
import { startStandaloneSnapshotMetadata } from '../../cluster/standalone-snapshot-metadata.ts';
import { apiConnection } from '../api-connection.ts';
import { stay } from '../stay.ts';
import { UsageError } from '../usage-error.ts';
import { COMMON_FLAGS, LOG_FLAGS } from './common-flags.ts';
import { bool, duration, float, int, string, type Values } from './go-flags.ts';
import { TLS_FLAGS, tlsDemands } from './tls-flags.ts';

const { version, kubeconfig } = COMMON_FLAGS;

export const SNAPSHOT_METADATA_FLAGS = {
  ...LOG_FLAGS,
  version,
  kubeconfig,
  'csi-address': COMMON_FLAGS['csi-address'],
  timeout: duration(60_000, 'For each short call of the driver.'),
  port: int(50_051, 'Where callers reach it, on every address.'),
  'tls-cert': string('', 'The file of its certificate, followed while it runs. Empty: by TLS_CERT_PATH.'),
  'tls-key': string('', 'The file of the key. Empty: by TLS_KEY_PATH.'),
  ...TLS_FLAGS,
  audience: string(
    '',
    "What tokens must be made out for. Empty: what the driver's SnapshotMetadataService says.",
  ),
  'max-streaming-duration-min': int(10, 'How many minutes one answer may take.'),
  'kube-api-qps': float(0, 'Requests a second to the API server. 0: as many as it takes (upstream: 5).'),
  'kube-api-burst': COMMON_FLAGS['kube-api-burst'],
  'http-endpoint': string(':8080', 'Where /health and metrics are served.'),
  'metrics-path': COMMON_FLAGS['metrics-path'],
  'disable-metrics': bool(false, 'Serve /health alone.'),
};

/** The csi-snapshot-metadata sidecar. Resolves to the exit code. */
export async function runSnapshotMetadata(
  values: Values<typeof SNAPSHOT_METADATA_FLAGS>,
  log: Logger,
): Promise<number> {
  const certificate = values['tls-cert'] || process.env.TLS_CERT_PATH;
  const key = values['tls-key'] || process.env.TLS_KEY_PATH;
  if (values.timeout === 0) throw new UsageError('CSITimeout is required');
  if (values.port <= 0) throw new UsageError('invalid GRPCPort');
  if (!certificate) throw new UsageError('missing TLSCertFile: give --tls-cert or set TLS_CERT_PATH');
  if (!key) throw new UsageError('missing TLSKeyFile: give --tls-key or set TLS_KEY_PATH');
  const qps = values['kube-api-qps'];
  const options = {
    connection: await apiConnection(values),
    csiAddress: values['csi-address'],
    log,
    limit: qps > 0 ? { qps, burst: values['kube-api-burst'] } : undefined,
    http: {
      address: values['http-endpoint'],
      metricsPath: values['disable-metrics'] ? undefined : values['metrics-path'],
    },
    sidecar: {
      listen: { host: '::', port: values.port },
      keyPair: async () => ({
        cert: await read('--tls-cert', certificate),
        key: await read('--tls-key', key),
      }),
      tls: tlsDemands(values),
      audience: values.audience || undefined,
      timeoutMs: values.timeout,
      maxStreamMs: Math.max(0, values['max-streaming-duration-min']) * 60_000 || undefined,
    },
  };
  await options.sidecar.keyPair(); // told at once, before the driver is waited for
  return stay(() => startStandaloneSnapshotMetadata(options));
}

async function read(flag: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${flag} ${file} cannot be read: ${errorMessage(error)}`);
  }
}
