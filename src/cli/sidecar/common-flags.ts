import { bool, duration, fixed, float, int, labels, string } from './go-flags.ts';

/** Upstream's streams and buffers of lines, which its programs refuse to be otherwise, too: they lack their feature gate. */
const AS_IT_IS = 'every line is written at once, to standard error';

/** Of every program of Kubernetes that logs as component-base does. */
export const LOG_FLAGS = {
  v: int(0, 'The log level: from 4 on everything.'),
  'logging-format': fixed(string('json', 'The log format.'), 'every line is a JSON object'),
  'log-flush-frequency': duration(5_000, 'Has no effect: every line is written at once.'),
  'log-json-split-stream': fixed(bool(false, 'Errors and other lines apart.'), AS_IT_IS),
  'log-json-info-buffer-size': fixed(string('0', 'What is collected of the latter.'), AS_IT_IS),
  'log-text-split-stream': fixed(bool(false, 'Errors and other lines apart.'), AS_IT_IS),
  'log-text-info-buffer-size': fixed(string('0', 'What is collected of the latter.'), AS_IT_IS),
  vmodule: fixed(string('', 'The log level of single files.'), 'there is one level for all'),
};

/** Upstream's threads follow the processors that its container has; this program has one, whatever is said here. */
export const AUTOMAXPROCS = bool(false, 'Has no effect: it is for programs with many threads.');

/** What each sidecar that talks to the API server takes. Source: standardflags of csi-lib-utils. */
export const COMMON_FLAGS = {
  ...LOG_FLAGS,
  version: bool(false, 'Show the version.'),
  automaxprocs: AUTOMAXPROCS,
  kubeconfig: string('', 'The kubeconfig file. Needed only out of a cluster, where KUBECONFIG names none.'),
  master: string('', 'The URL of the API server, in place of the one in the kubeconfig.'),
  'csi-address': string('/run/csi/socket', 'The socket of the CSI driver.'),
  'leader-election': bool(false, 'Works only while it holds its Lease.'),
  'leader-election-namespace': string('', "Where the Lease is. Without it the pod's own namespace."),
  'leader-election-lease-duration': duration(15_000, 'How long others leave an unchanged Lease alone.'),
  'leader-election-renew-deadline': duration(10_000, 'After how long without a renewal the leader gives up.'),
  'leader-election-retry-period': duration(5_000, 'Between two tries.'),
  'leader-election-labels': labels({}, 'Labels for the Lease, as key:value,key2:value2.'),
  'kube-api-qps': float(0, 'Requests a second to the API server. 0: as many as it takes (upstream: 5).'),
  'kube-api-burst': int(10, 'How many of them may go at once, where there is a limit.'),
  'http-endpoint': string(
    '',
    'Where metrics and the health of leader election are served, as :8080. Empty: nowhere.',
  ),
  'metrics-address': string('', 'As http-endpoint, without leader election (deprecated).'),
  'metrics-path': string('/metrics', 'The path of the metrics.'),
};

/** Informers here follow every change: nothing is looked at again by the clock. */
export const resync = (ms: number) =>
  duration(ms, 'How often caches are looked at again: has no effect, they follow every change.');
