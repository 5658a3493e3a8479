import type { Container, PodSpec, StatusCause } from '../../../kube/index.ts';
import {
  at,
  duplicate,
  forbiddenField,
  invalidValue,
  isDNS1123Label,
  isDNS1123Subdomain,
  isQualifiedName,
  type NameRule,
  notSupported,
  oneOf,
  required,
  validateLabels,
  validateWith,
} from '../validation/index.ts';
import { affinityCauses, topologySpreadCauses } from './affinity-validation.ts';
import { podResourceCauses, resourceCauses } from './container-resources-validation.ts';
import { type ContainerContext, containerCauses, paddedImageCauses } from './container-validation.ts';
import { fileRefVolumeCauses } from './env-validation.ts';
import { ephemeralContainerCauses } from './ephemeral-container-validation.ts';
import { dnsCauses, hostAliasCauses, hostnameOverrideCauses } from './pod-name-resolution-validation.ts';
import { podVolumeCauses } from './pod-volume-validation.ts';
import { hostNetworkPortCauses, hostPortConflicts } from './port-validation.ts';
import { noProbesAndHooksCauses, probesAndHooksCauses, restartPolicyCauses } from './probe-validation.ts';
import { podSecurityContextCauses } from './security-context-validation.ts';
import { tolerationCauses } from './toleration-validation.ts';

// Source: Kubernetes 1.36, pkg/apis/core/validation ValidatePodSpec. The order is upstream's.

const MAX_INT32 = 2 ** 31 - 1;
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/** Rules of a pod itself, beside those of any pod spec (validatePodMetadataAndSpec). */
export function validatePod(spec: PodSpec | undefined, name: string | undefined): StatusCause[] {
  return [
    ...podSpecCauses(spec, 'spec', { isPod: true, name }),
    ...(['containers', 'initContainers'] as const).flatMap((list) =>
      (spec?.[list] ?? []).flatMap((container, index) =>
        paddedImageCauses(container, at(`spec.${list}`, index)),
      ),
    ),
  ];
}

/** Rules of a pod that is new (ValidatePodCreate). */
export function validateNewPod(spec: PodSpec | undefined): StatusCause[] {
  const causes: StatusCause[] = [];
  if (spec?.ephemeralContainers?.length)
    causes.push(forbiddenField('spec.ephemeralContainers', 'cannot be set on create'));
  if (spec?.nodeName && spec.schedulingGates?.length) {
    const why = 'cannot be set until all schedulingGates have been cleared';
    causes.push(forbiddenField('spec.nodeName', why));
  }
  return causes;
}

/** Rules of a template's spec. */
export function validateTemplateSpec(spec: PodSpec | undefined, path: string): StatusCause[] {
  return podSpecCauses(spec, path, { isPod: false });
}

/** What the rules of a container look at in its pod. */
interface PodContext extends ContainerContext {
  readonly graceSeconds: number | undefined;
}

function podSpecCauses(
  spec: PodSpec | undefined,
  path: string,
  { isPod, name }: { readonly isPod: boolean; readonly name?: string },
): StatusCause[] {
  const { causes, usable } = podVolumeCauses(spec?.volumes ?? [], `${path}.volumes`, name);
  const context: PodContext = {
    volumes: usable,
    claims: (spec?.resourceClaims ?? []).map((claim) => claim.name),
    podRestartPolicy: spec?.restartPolicy,
    hostUsers: spec?.hostUsers ?? true,
    graceSeconds: spec?.terminationGracePeriodSeconds,
  };
  const containers = spec?.containers ?? [];
  const ofContainers = [
    ...causes,
    ...mainContainerCauses(containers, `${path}.containers`, context),
    ...initContainerCauses(spec ?? { containers }, `${path}.initContainers`, context),
    ...ephemeralContainerCauses(spec ?? { containers }, `${path}.ephemeralContainers`, context),
  ];
  if (!spec) return ofContainers;
  return [
    ...ofContainers,
    ...podResourceCauses(spec, `${path}.resources`),
    ...(spec.hostNetwork ? hostNetworkPortCauses(containers, `${path}.containers`, isPod) : []),
    ...oneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES),
    ...validateLabels(`${path}.nodeSelector`, spec.nodeSelector),
    ...podSecurityContextCauses(spec, `${path}.securityContext`),
    ...affinityCauses(spec.affinity, `${path}.affinity`),
    ...dnsCauses(spec, `${path}.dnsConfig`),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, index) =>
      validateWith(`${at(`${path}.readinessGates`, index)}.conditionType`, conditionType, isQualifiedName),
    ),
    ...schedulingGateCauses(spec, `${path}.schedulingGates`),
    ...topologySpreadCauses(spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`),
    ...hostUsersCauses(spec, path),
    ...hostnameOverrideCauses(spec, `${path}.hostnameOverride`),
    ...nameCauses(spec, path),
    ...tolerationCauses(spec.tolerations ?? [], `${path}.tolerations`),
    ...hostAliasCauses(spec.hostAliases, `${path}.hostAliases`),
    ...namedCauses(spec, path, {
      priorityClassName: isDNS1123Subdomain,
      runtimeClassName: isDNS1123Subdomain,
    }),
    ...oneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']),
    ...overheadCauses(spec, `${path}.overhead`),
    ...osCauses(spec, path),
    ...allContainers(spec, path).flatMap(([container, here]) =>
      fileRefVolumeCauses(container, spec.volumes ?? [], here),
    ),
  ];
}

function mainContainerCauses(
  containers: readonly Container[],
  path: string,
  context: PodContext,
): StatusCause[] {
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  const causes = containers.flatMap((container, index) => {
    const here = at(path, index);
    const found = containerCauses(container, here, context);
    if (names.has(container.name)) found.push(duplicate(`${here}.name`, container.name));
    names.add(container.name);
    return [
      ...found,
      ...probesAndHooksCauses(container, here, context.graceSeconds),
      ...restartPolicyCauses(container, here),
    ];
  });
  return [...causes, ...hostPortConflicts(containers, (index) => at(path, index))];
}

function initContainerCauses(
  { containers = [], initContainers = [] }: PodSpec,
  path: string,
  context: PodContext,
): StatusCause[] {
  const names = new Set(containers.map(({ name }) => name));
  return initContainers.flatMap((container, index) => {
    const here = at(path, index);
    const isSidecar = container.restartPolicy === 'Always';
    const causes = [...containerCauses(container, here, context), ...restartPolicyCauses(container, here)];
    if (names.has(container.name)) causes.push(duplicate(`${here}.name`, container.name));
    else if (container.name) names.add(container.name);
    // They run one after another. Upstream counts each as the first of its list.
    causes.push(...hostPortConflicts([container], () => at(path, 0)));
    if (isSidecar) return [...causes, ...probesAndHooksCauses(container, here, context.graceSeconds)];
    causes.push(...noProbesAndHooksCauses(container, here));
    for (const [place, { restartPolicy }] of (container.resizePolicy ?? []).entries()) {
      if (restartPolicy !== 'RestartContainer') continue;
      const why = "must not be set to 'RestartContainer' for non-sidecar initContainers";
      causes.push(invalidValue(`${at(`${here}.resizePolicy`, place)}.restartPolicy`, restartPolicy, why));
    }
    return causes;
  });
}

/** Every container of a pod with its path: those that come first, the others, the ephemeral ones. */
function allContainers(spec: PodSpec, path: string): readonly (readonly [Container, string])[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index) => [container, at(`${path}.${list}`, index)] as const),
  );
}

function schedulingGateCauses({ schedulingGates = [] }: PodSpec, path: string): StatusCause[] {
  const seen = new Set<string>();
  return schedulingGates.flatMap(({ name = '' }, index) => {
    const here = at(path, index);
    const causes = validateWith(here, name, isQualifiedName);
    if (seen.has(name)) causes.push(duplicate(here, name));
    seen.add(name);
    return causes;
  });
}

/** A pod with users of its own cannot have the host's namespaces too. */
function hostUsersCauses(spec: PodSpec, path: string): StatusCause[] {
  if (spec.hostUsers !== false) return [];
  const why = 'when `hostUsers` is false';
  return [
    ...(spec.hostNetwork ? [forbiddenField(`${path}.hostNetwork`, why)] : []),
    ...(spec.hostPID ? [forbiddenField(`${path}.HostPID`, why)] : []),
    ...(spec.hostIPC ? [forbiddenField(`${path}.HostIPC`, why)] : []),
    ...allContainers(spec, path)
      .filter(([container]) => container.volumeDevices?.length)
      .map(([, here]) => forbiddenField(`${here}.volumeDevices`, why)),
  ];
}

type NamedField =
  | 'serviceAccountName'
  | 'nodeName'
  | 'hostname'
  | 'subdomain'
  | 'priorityClassName'
  | 'runtimeClassName';

function namedCauses(
  spec: PodSpec,
  path: string,
  rules: Readonly<Partial<Record<NamedField, NameRule>>>,
): StatusCause[] {
  return Object.entries(rules).flatMap(([field, rule]) => {
    const value = spec[field as NamedField];
    return value ? validateWith(`${path}.${field}`, value, rule) : [];
  });
}

function nameCauses(spec: PodSpec, path: string): StatusCause[] {
  const causes = namedCauses(spec, path, {
    serviceAccountName: isDNS1123Subdomain,
    nodeName: isDNS1123Subdomain,
  });
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > MAX_INT32)) {
    const why = `must be between 1 and ${MAX_INT32}, inclusive`;
    causes.push(invalidValue(`${path}.activeDeadlineSeconds`, deadline, why));
  }
  return [...causes, ...namedCauses(spec, path, { hostname: isDNS1123Label, subdomain: isDNS1123Label })];
}

function overheadCauses({ overhead }: PodSpec, path: string): StatusCause[] {
  return overhead ? resourceCauses({ limits: overhead }, [], path) : [];
}

function osCauses(spec: PodSpec, path: string): StatusCause[] {
  const { os } = spec;
  if (!os) return [];
  if (!os.name) return [required(`${path}.os.name`)];
  const known = ['linux', 'windows'];
  if (!known.includes(os.name)) return [notSupported(`${path}.os`, os.name, known)];
  if (os.name !== 'linux') return [];
  const ofWindows = [[spec, path] as const, ...allContainers(spec, path)].filter(
    ([{ securityContext }]) => securityContext?.windowsOptions,
  );
  return ofWindows.map(([, here]) =>
    forbiddenField(`${here}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod'),
  );
}
