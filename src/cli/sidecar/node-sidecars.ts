import { type Logger, Metrics, systemClock } from '../../base/index.ts';
import { Running } from '../../cluster/running.ts';
import { callMetrics, connectCsi } from '../../csi/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { createDiagnosticsServer, metricsRoute } from '../../sidecars/http/index.ts';
import { createLivenessProbe } from '../../sidecars/liveness/index.ts';
import { createRegistrar, registrarHealth } from '../../sidecars/registrar/index.ts';
import { stay } from '../stay.ts';
import { UsageError } from '../usage-error.ts';
import { LOG_FLAGS } from './common-flags.ts';
import { bool, duration, fixed, int, string, type Values } from './go-flags.ts';

const COMMON = {
  ...LOG_FLAGS,
  version: bool(false, 'Show the version.'),
  automaxprocs: fixed(bool(false, 'The number of processors to use.'), 'it has no effect here'),
  'csi-address': string('/run/csi/socket', 'The socket of the CSI driver.'),
};

export const REGISTRAR_FLAGS = {
  ...COMMON,
  'connection-timeout': duration(0, 'Has no effect (deprecated).'),
  timeout: duration(1_000, 'For a question to the driver or to the registration socket.'),
  'plugin-registration-path': string('/registration', "The kubelet's plugins_registry directory."),
  'kubelet-registration-path': string('', "The driver's socket as the kubelet reaches it. Required."),
  'health-port': int(0, 'Where /healthz is served, on every address (deprecated); 0: nowhere.'),
  'http-endpoint': string('', 'Where /healthz is served, as :8080. Empty: nowhere.'),
  mode: string('', 'kubelet-registration-probe: succeed at once and do nothing (deprecated).'),
  'enable-pprof': fixed(bool(false, 'Profiles of a Go program.'), 'it is none'),
};

const DEFAULT_HEALTH_PORT = '9808';

export const LIVENESSPROBE_FLAGS = {
  ...COMMON,
  'probe-timeout': duration(3_000, 'For each probe of the driver.'),
  'health-port': string(DEFAULT_HEALTH_PORT, 'Where /healthz is served, on every address (deprecated).'),
  'metrics-address': string('', 'Where metrics are served by themselves, as :8080 (deprecated).'),
  'http-endpoint': string(
    '',
    'Where /healthz and metrics are served, as :8080. Empty: /healthz by health-port.',
  ),
  'metrics-path': string('/metrics', 'The path of the metrics.'),
};

/** The node-driver-registrar. Resolves to the exit code. */
export async function runRegistrar(values: Values<typeof REGISTRAR_FLAGS>, log: Logger): Promise<number> {
  if (values['kubelet-registration-path'] === '')
    throw new UsageError('kubelet-registration-path is a required parameter');
  // Upstream's exec probe of old. Nobody needs it any more, and it must not fail.
  if (values.mode === 'kubelet-registration-probe') return 0;
  if (values['health-port'] > 0 && values['http-endpoint'] !== '')
    throw new UsageError('Only one of `--health-port` and `--http-endpoint` can be set');
  const address = values['health-port'] > 0 ? `:${values['health-port']}` : values['http-endpoint'];
  const clock = systemClock;
  const { files } = createLinuxHost({ clock });
  const pluginRegistrationPath = values['plugin-registration-path'];
  return stay(async () => {
    const running = new Running(log);
    const csi = connectCsi(values['csi-address'], { clock });
    running.onStop('CSI connection', async () => csi.close());
    const kubeletRegistrationPath = values['kubelet-registration-path'];
    running.start(
      createRegistrar({
        csi,
        kubeletRegistrationPath,
        pluginRegistrationPath,
        clock,
        log,
        endWhenRefused: true,
      }),
    );
    const health = { csi, clock, files, pluginRegistrationPath, timeoutMs: values.timeout };
    if (address !== '')
      running.start(
        createDiagnosticsServer({ address, routes: { '/healthz': () => registrarHealth(health) } }),
      );
    return { running };
  });
}

/** The livenessprobe. Resolves to the exit code. */
export async function runLivenessProbe(
  values: Values<typeof LIVENESSPROBE_FLAGS>,
  log: Logger,
): Promise<number> {
  const endpoint = values['http-endpoint'];
  const metricsAddress = values['metrics-address'];
  if (values['health-port'] !== DEFAULT_HEALTH_PORT && endpoint !== '')
    throw new UsageError('Only one of `--health-port` and `--http-endpoint` can be explicitly set');
  if (metricsAddress !== '' && endpoint !== '')
    throw new UsageError('Only one of `--metrics-address` and `--http-endpoint` can be explicitly set');
  return stay(async () => {
    const running = new Running(log);
    const metrics = new Metrics();
    const path = values['metrics-path'];
    let driver: string | undefined;
    const csi = connectCsi(values['csi-address'], {
      clock: systemClock,
      onCall: callMetrics(metrics, () => driver),
    });
    running.onStop('CSI connection', async () => csi.close());
    running.start(
      createLivenessProbe({
        csi,
        address: endpoint || `0.0.0.0:${values['health-port']}`,
        probeTimeoutMs: values['probe-timeout'],
        metrics: endpoint === '' ? undefined : { metrics, path },
        onDriver: (name) => {
          driver = name;
          log.info('CSI driver name', { driver });
        },
        onListen: (address) => log.info('listening', { address }),
      }),
    );
    if (metricsAddress !== '')
      running.start(
        createDiagnosticsServer({ address: metricsAddress, routes: { [path]: metricsRoute(metrics) } }),
      );
    return { running };
  });
}
