import {
  type Container,
  DEFAULT_SCHEDULER,
  type PodSpec,
  type PodTemplateSpec,
  type Volume,
} from '../../../kube/index.ts';
import { change, each, fill } from './defaulting.ts';
import { imageTag } from './image-tag.ts';
import { withSourceDefaults } from './volume-source-defaults.ts';

const FILE_MODE = 0o644;
const TOKEN_EXPIRATION_SECONDS = 3600;

/** Defaults of a pod's or a template's spec. Source: Kubernetes 1.36, pkg/apis/core/v1/defaults.go. */
export function defaultPodSpec(spec: PodSpec): PodSpec {
  let result = fill<PodSpec>(namingAccountTwice(spec), {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: DEFAULT_SCHEDULER,
  });
  result = change(result, 'volumes', (volumes) => each(volumes, defaultVolume));
  result = change(result, 'initContainers', (containers) => each(containers, defaultContainer));
  result = change(result, 'ephemeralContainers', (containers) => each(containers, defaultContainer));
  return change(result, 'containers', (containers) => each(containers, defaultContainer));
}

/** serviceAccount is the old name of serviceAccountName, and says the same (Convert_v1_PodSpec_To_core_PodSpec). */
function namingAccountTwice(spec: PodSpec): PodSpec {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (!name || (spec.serviceAccountName === name && spec.serviceAccount === name)) return spec;
  return { ...spec, serviceAccountName: name, serviceAccount: name };
}

/** Field references name the version of the object that they mean. */
function defaultFieldReferences<T extends { readonly items?: readonly DownwardItem[] }>(source: T): T {
  return change(source, 'items', (items) =>
    each(items as readonly DownwardItem[], (item) =>
      change(item, 'fieldRef', (field) => fill(field, { apiVersion: 'v1' })),
    ),
  ) as T;
}

type DownwardItem = NonNullable<NonNullable<Volume['downwardAPI']>['items']>[number];

export function defaultPodTemplate(template: PodTemplateSpec): PodTemplateSpec {
  return change(fill<PodTemplateSpec>(template, { metadata: {} }), 'spec', defaultPodSpec);
}

/** What only pods get, not templates (SetDefaults_Pod). */
export function defaultPodOnly(spec: PodSpec): PodSpec {
  let result = fill<PodSpec>(spec, { enableServiceLinks: true });
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) result = { ...result, terminationGracePeriodSeconds: 1 };
  const requests = (containers: readonly Container[]) =>
    each(containers, (container) =>
      requestsFromLimits(spec.hostNetwork ? withPortsOfHost(container) : container),
    );
  result = change(result, 'initContainers', requests);
  return change(result, 'containers', requests);
}

/** On the host's network a port is the host's. */
function withPortsOfHost(container: Container): Container {
  return change(container, 'ports', (ports) =>
    each(ports, (port) => (port.hostPort ? port : { ...port, hostPort: port.containerPort })),
  );
}

function requestsFromLimits(container: Container): Container {
  return change(container, 'resources', (resources) => {
    const { limits, requests } = resources;
    if (!limits || Object.keys(limits).every((name) => requests?.[name] !== undefined)) return resources;
    return { ...resources, requests: { ...limits, ...requests } };
  });
}

function defaultContainer<C extends Container>(container: C): C {
  let result: Container = fill<Container>(container, {
    imagePullPolicy: pullPolicy(container.image ?? ''),
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  });
  result = change(result, 'ports', (ports) => each(ports, (port) => fill(port, { protocol: 'TCP' })));
  result = change(result, 'env', (env) =>
    each(env, (variable) =>
      change(variable, 'valueFrom', (from) =>
        change(from, 'fieldRef', (field) => fill(field, { apiVersion: 'v1' })),
      ),
    ),
  );
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    result = change(result, probe, defaultProbe);
  return change(result, 'lifecycle', defaultLifecycle) as C;
}

const PROBE_DEFAULTS = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };

function defaultProbe(probe: Probe): Probe {
  const counts = Object.entries(PROBE_DEFAULTS).filter(
    ([name]) => !probe[name as keyof typeof PROBE_DEFAULTS],
  );
  const counted = counts.length > 0 ? { ...probe, ...Object.fromEntries(counts) } : probe;
  return change(counted, 'httpGet', defaultHttpGet);
}

function defaultHttpGet(get: NonNullable<Probe['httpGet']>) {
  return fill(get, { path: '/', scheme: 'HTTP' });
}

/** The signal that stops a container is not one's choice yet upstream (feature gate ContainerStopSignals). */
function defaultLifecycle(lifecycle: Lifecycle): Container['lifecycle'] {
  const { stopSignal, ...hooks } = lifecycle;
  if (stopSignal !== undefined && Object.keys(hooks).length === 0) return undefined;
  const known = stopSignal === undefined ? lifecycle : hooks;
  const handler = (hook: NonNullable<Lifecycle['preStop']>) => change(hook, 'httpGet', defaultHttpGet);
  return change(change(known, 'postStart', handler), 'preStop', handler);
}

type Probe = NonNullable<Container['livenessProbe']>;
type Lifecycle = NonNullable<Container['lifecycle']>;

/** Always for the latest tag, as upstream; what is no reference has no tag. */
function pullPolicy(image: string): string {
  return imageTag(image) === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultVolume(volume: Volume): Volume {
  if (Object.keys(volume).every((name) => name === 'name')) return { ...volume, emptyDir: {} };
  const mode = { defaultMode: FILE_MODE };
  let result = change(withSourceDefaults(volume), 'secret', (source) => fill(source, mode));
  result = change(result, 'image', (source) =>
    fill(source, { pullPolicy: pullPolicy(source.reference ?? '') }),
  );
  result = change(result, 'configMap', (source) => fill(source, mode));
  result = change(result, 'downwardAPI', (source) => defaultFieldReferences(fill(source, mode)));
  result = change(result, 'projected', (source) =>
    change(fill(source, mode), 'sources', (sources) =>
      each(sources, (item) =>
        change(change(item, 'downwardAPI', defaultFieldReferences), 'serviceAccountToken', (token) =>
          fill(token, { expirationSeconds: TOKEN_EXPIRATION_SECONDS }),
        ),
      ),
    ),
  );
  return change(result, 'ephemeral', (source) =>
    change(source, 'volumeClaimTemplate', (template) =>
      change(template, 'spec', (spec) => fill(spec, { volumeMode: 'Filesystem' })),
    ),
  );
}
