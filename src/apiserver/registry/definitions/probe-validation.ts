import type { Container, StatusCause } from '../../../kube/index.ts';
import { at, forbiddenField, invalidValue, oneOf, required, validateWith } from '../validation/index.ts';
import { portCauses, portNumberCauses } from './port-validation.ts';

// Probes and lifecycle hooks. Source: Kubernetes 1.36, pkg/apis/core/validation validateProbe, validateLifecycle.

type Probe = NonNullable<Container['livenessProbe']>;
type Lifecycle = NonNullable<Container['lifecycle']>;
type Hook = NonNullable<Lifecycle['preStop']>;

function isHeaderName(name: string): readonly string[] {
  return /^[-A-Za-z0-9]+$/.test(name)
    ? []
    : [
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
      ];
}

type Handler = Pick<Hook, 'exec' | 'httpGet' | 'tcpSocket' | 'sleep'> & Pick<Probe, 'grpc'>;
type HandlerName = keyof Handler;

/** In upstream's order. */
const HANDLERS: {
  readonly [H in HandlerName]-?: (
    handler: NonNullable<Handler[H]>,
    path: string,
    graceSeconds: number | undefined,
  ) => StatusCause[];
} = {
  exec: ({ command }, path) => (command?.length ? [] : [required(`${path}.command`)]),
  httpGet: (get, path) => [
    ...(get.path ? [] : [required(`${path}.path`)]),
    ...portCauses(`${path}.port`, get.port),
    ...oneOf(`${path}.scheme`, get.scheme ?? '', ['HTTP', 'HTTPS']),
    ...(get.httpHeaders ?? []).flatMap(({ name }) => validateWith(`${path}.httpHeaders`, name, isHeaderName)),
  ],
  tcpSocket: ({ port }, path) => portCauses(`${path}.port`, port),
  grpc: ({ port = 0 }, path) => portNumberCauses(`${path}.port`, port),
  sleep: ({ seconds = 0 }, path, graceSeconds) => {
    if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return [];
    const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
    return [invalidValue(path, seconds, why)];
  },
};

function handlerCauses(handler: Handler, path: string, graceSeconds: number | undefined): StatusCause[] {
  const [first, ...more] = (Object.keys(HANDLERS) as HandlerName[]).filter(
    (name) => handler[name] !== undefined,
  );
  if (!first) return [required(path, 'must specify a handler type')];
  const check = HANDLERS[first] as (
    handler: unknown,
    path: string,
    graceSeconds: number | undefined,
  ) => StatusCause[];
  return [
    ...check(handler[first], `${path}.${first}`, graceSeconds),
    ...more.map((name) => forbiddenField(`${path}.${name}`, 'may not specify more than 1 handler type')),
  ];
}

const COUNTS = [
  ...(['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds'] as const),
  ...(['successThreshold', 'failureThreshold'] as const),
];

function probeCauses(probe: Probe, path: string, graceSeconds: number | undefined): StatusCause[] {
  const causes = handlerCauses(probe, path, graceSeconds);
  for (const name of COUNTS) {
    const value = probe[name] ?? 0;
    if (value < 0) causes.push(invalidValue(`${path}.${name}`, value, 'must be greater than or equal to 0'));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0)
    causes.push(invalidValue(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  return causes;
}

/** The probes and hooks of a container that may have them. */
export function probesAndHooksCauses(
  container: Container,
  path: string,
  graceSeconds: number | undefined,
): StatusCause[] {
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container;
  const causes = lifecycle ? lifecycleCauses(lifecycle, `${path}.lifecycle`, graceSeconds) : [];
  const onceIsEnough = (name: string, probe: Probe | undefined) => {
    if (!probe) return;
    causes.push(...probeCauses(probe, `${path}.${name}`, graceSeconds));
    const { successThreshold = 0 } = probe;
    if (successThreshold !== 1)
      causes.push(invalidValue(`${path}.${name}.successThreshold`, successThreshold, 'must be 1'));
  };
  onceIsEnough('livenessProbe', livenessProbe);
  if (readinessProbe) {
    const here = `${path}.readinessProbe`;
    causes.push(...probeCauses(readinessProbe, here, graceSeconds));
    const grace = readinessProbe.terminationGracePeriodSeconds;
    if (grace !== undefined) {
      const why = 'must not be set for readinessProbes';
      causes.push(invalidValue(`${here}.terminationGracePeriodSeconds`, grace, why));
    }
  }
  onceIsEnough('startupProbe', startupProbe);
  return causes;
}

function lifecycleCauses(
  { postStart, preStop }: Lifecycle,
  path: string,
  graceSeconds: number | undefined,
): StatusCause[] {
  return [
    ...(postStart ? handlerCauses(postStart, `${path}.postStart`, graceSeconds) : []),
    ...(preStop ? handlerCauses(preStop, `${path}.preStop`, graceSeconds) : []),
  ];
}

/** Those that may not be on a container which runs to its end before the others start. */
export function noProbesAndHooksCauses(container: Container, path: string): StatusCause[] {
  const why = 'may not be set for init containers without restartPolicy=Always';
  return (['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    .filter((name) => container[name] !== undefined)
    .map((name) => forbiddenField(`${path}.${name}`, why));
}

type RestartRule = NonNullable<Container['restartPolicyRules']>[number];

/** When a container starts again by itself (validateContainerRestartPolicy). */
export function restartPolicyCauses(container: Container, path: string): StatusCause[] {
  const { restartPolicy, restartPolicyRules: rules = [] } = container;
  const why = 'must specify restartPolicy when restart rules are used';
  if (restartPolicy === undefined) {
    if (rules.length === 0) return [];
    return [
      required(`${path}.restartPolicy`, why),
      ...restartRuleCauses(rules, `${path}.restartPolicyRules`),
    ];
  }
  return [
    ...oneOf(`${path}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure']),
    ...restartRuleCauses(rules, `${path}.restartPolicyRules`),
  ];
}

function restartRuleCauses(rules: readonly RestartRule[], path: string): StatusCause[] {
  return rules.flatMap(({ action, exitCodes }, index) => {
    const here = at(path, index);
    return [
      ...oneOf(`${here}.action`, action ?? '', ['Restart', 'RestartAllContainers']),
      ...(exitCodes
        ? oneOf(`${here}.exitCodes.operator`, exitCodes.operator ?? '', ['In', 'NotIn'])
        : [required(`${here}.exitCodes`, 'must be specified')]),
    ];
  });
}
