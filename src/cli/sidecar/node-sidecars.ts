import { addProcessMetrics, type Logger, Metrics, systemClock } from '../../base/index.ts';
import type { Component } from '../../client/index.ts';
import { Running } from '../../cluster/running.ts';
import type { DriverOnly } from '../../cluster/standalone-sidecars.ts';
import { callMetrics, connectCsi } from '../../csi/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { createDiagnosticsServer, metricsRoute } from '../../sidecars/http/index.ts';
import { createLivenessProbe } from '../../sidecars/liveness/index.ts';
import { createRegistrar, registrarHealth } from '../../sidecars/registrar/index.ts';
import { stay } from '../stay.ts';
import { UsageError } from '../usage-error.ts';
import { AUTOMAXPROCS, LOG_FLAGS } from './common-flags.ts';
import { bool, duration, type Flags, fixed, int, string, type Values } from './go-flags.ts';

const COMMON = {
  ...LOG_FLAGS,
  version: bool(false, 'Show the version.'),
  automaxprocs: AUTOMAXPROCS,
  'csi-address': string('/run/csi/socket', 'The socket of the CSI driver.'),
};

const REGISTRAR_FLAGS = {
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

const LIVENESSPROBE_FLAGS = {
  'probe-timeout': duration(3_000, 'For each probe of the driver.'),
  'health-port': string(DEFAULT_HEALTH_PORT, 'Where /healthz is served, on every address (deprecated).'),
  'metrics-address': string('', 'Where metrics are served by themselves, as :8080 (deprecated).'),
  'http-endpoint': string(
    '',
    'Where /healthz and metrics are served, as :8080. Empty: /healthz by health-port.',
  ),
  'metrics-path': string('/metrics', 'The path of the metrics.'),
};

/** What of a sidecar's runs on a connection to the driver; it needs no API server. */
export type DriverSide = (shared: DriverOnly) => readonly Component[];

/** A sidecar that knows its driver only. */
export interface NodeSidecar {
  /** The upstream program that it can take the place of. */
  readonly twin: string;
  readonly flags: Flags;
  /** Undefined where the flags ask for nothing. @throws UsageError */
  components(values: never): DriverSide | undefined;
}

/** By the names that `stowage sidecar` knows them by. */
export const NODE_SIDECARS = {
  registrar: { twin: 'node-driver-registrar', flags: REGISTRAR_FLAGS, components: registrar },
  livenessprobe: { twin: 'livenessprobe', flags: LIVENESSPROBE_FLAGS, components: livenessProbe },
} as const satisfies Readonly<Record<string, NodeSidecar>>;

export const NODE_SIDECAR_FLAGS = COMMON;

/** Runs such sidecars, and no others, on one connection to their driver until a signal. Resolves to the exit code. */
export async function runNodeSidecars(
  csiAddress: string,
  sidecars: readonly DriverSide[],
  log: Logger,
  http?: { readonly address: string; readonly metricsPath: string },
): Promise<number> {
  return stay(async () => {
    const running = new Running(log);
    const [clock, metrics] = [systemClock, new Metrics()];
    let driver: string | undefined;
    const csi = connectCsi(csiAddress, { clock, onCall: callMetrics(metrics, () => driver) });
    running.onStop('CSI connection', async () => csi.close());
    if (http) {
      addProcessMetrics(metrics);
      const routes = { [http.metricsPath]: metricsRoute(metrics) };
      const onListen = (address: string) => log.info('serving metrics', { address });
      running.start(createDiagnosticsServer({ address: http.address, routes, onListen }));
    }
    const onDriver = (name: string) => {
      driver = name;
    };
    for (const components of sidecars)
      for (const component of components({ csi, clock, log, metrics, onDriver })) running.start(component);
    return { running };
  });
}

/** The node-driver-registrar. */
function registrar(values: Values<typeof REGISTRAR_FLAGS>): DriverSide | undefined {
  const {
    'kubelet-registration-path': kubeletRegistrationPath,
    'plugin-registration-path': pluginRegistrationPath,
    'health-port': healthPort,
    'http-endpoint': endpoint,
    timeout: timeoutMs,
  } = values;
  if (kubeletRegistrationPath === '')
    throw new UsageError('kubelet-registration-path is a required parameter');
  // Upstream's exec probe of old. Nobody needs it any more, and it must not fail.
  if (values.mode === 'kubelet-registration-probe') return undefined;
  if (healthPort > 0 && endpoint !== '')
    throw new UsageError('Only one of `--health-port` and `--http-endpoint` can be set');
  const address = healthPort > 0 ? `:${healthPort}` : endpoint;
  return ({ csi, clock, log }) => {
    const { files } = createLinuxHost({ clock });
    const paths = { kubeletRegistrationPath, pluginRegistrationPath };
    const health = () => registrarHealth({ csi, clock, files, pluginRegistrationPath, timeoutMs });
    return [
      createRegistrar({ csi, ...paths, clock, log, endWhenRefused: true }),
      ...(address === '' ? [] : [createDiagnosticsServer({ address, routes: { '/healthz': health } })]),
    ];
  };
}

/** The livenessprobe. */
function livenessProbe(values: Values<typeof LIVENESSPROBE_FLAGS>): DriverSide {
  const {
    'http-endpoint': endpoint,
    'metrics-address': metricsAddress,
    'metrics-path': path,
    'health-port': healthPort,
    'probe-timeout': probeTimeoutMs,
  } = values;
  if (healthPort !== DEFAULT_HEALTH_PORT && endpoint !== '')
    throw new UsageError('Only one of `--health-port` and `--http-endpoint` can be explicitly set');
  if (metricsAddress !== '' && endpoint !== '')
    throw new UsageError('Only one of `--metrics-address` and `--http-endpoint` can be explicitly set');
  return ({ csi, log, metrics, onDriver }) => [
    createLivenessProbe({
      csi,
      address: endpoint || `0.0.0.0:${healthPort}`,
      probeTimeoutMs,
      metrics: endpoint === '' ? undefined : { metrics, path },
      onDriver: (driver) => {
        onDriver(driver);
        log.info('CSI driver name', { driver });
      },
      onListen: (address) => log.info('listening', { address }),
    }),
    ...(metricsAddress === ''
      ? []
      : [createDiagnosticsServer({ address: metricsAddress, routes: { [path]: metricsRoute(metrics) } })]),
  ];
}
