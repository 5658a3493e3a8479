import type { PodSpec, StatusCause } from '../../../kube/index.ts';
import {
  at,
  duplicate,
  forbiddenField,
  invalidValue,
  isDNS1123Label,
  isDNS1123Subdomain,
  notSupported,
  required,
  validateLabels,
  validateWith,
} from '../validation/index.ts';
import { containerCauses } from './container-validation.ts';
import { nodeSelectorCauses } from './node-selector-validation.ts';
import { podVolumeCauses } from './pod-volume-validation.ts';
import { tolerationCauses } from './toleration-validation.ts';
import { rangeCauses } from './volume-source-rules.ts';

const MAX_INT32 = 2 ** 31 - 1;

/** Rules of a pod's or a template's spec: names, volumes and what uses them. Source: pkg/apis/core/validation. */
export function validatePodSpec(spec: PodSpec | undefined, path: string, podName?: string): StatusCause[] {
  const { causes: found, usable } = podVolumeCauses(spec?.volumes ?? [], `${path}.volumes`, podName);
  const causes = [...found];
  if (!spec?.containers?.length) causes.push(required(`${path}.containers`));
  const names = new Set<string>();
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (spec?.[list] ?? []).entries()) {
      const here = at(`${path}.${list}`, index);
      causes.push(...containerCauses(container, usable, here));
      if (container.name && names.has(container.name)) causes.push(duplicate(`${here}.name`, container.name));
      names.add(container.name);
      if (list === 'initContainers' && container.restartPolicy !== 'Always')
        causes.push(...initContainerCauses(container, here));
    }
  }
  if (!spec) return causes;
  const policies = ['Always', 'OnFailure', 'Never'];
  if (spec.restartPolicy !== undefined && !policies.includes(spec.restartPolicy))
    causes.push(notSupported(`${path}.restartPolicy`, spec.restartPolicy, policies));
  const dns = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
  if (spec.dnsPolicy !== undefined && !dns.includes(spec.dnsPolicy))
    causes.push(notSupported(`${path}.dnsPolicy`, spec.dnsPolicy, dns));
  causes.push(...validateLabels(`${path}.nodeSelector`, spec.nodeSelector));
  causes.push(...securityContextCauses(spec, `${path}.securityContext`));
  const affinity = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (affinity) {
    const here = `${path}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`;
    causes.push(...nodeSelectorCauses(affinity, here));
  }
  return [
    ...causes,
    ...nameCauses(spec, path),
    ...tolerationCauses(spec.tolerations ?? [], `${path}.tolerations`),
  ];
}

function initContainerCauses(container: PodSpec['containers'][number], path: string): StatusCause[] {
  const why = 'may not be set for init containers without restartPolicy=Always';
  return (['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
    .filter((name) => container[name] !== undefined)
    .map((name) => forbiddenField(`${path}.${name}`, why));
}

function securityContextCauses({ securityContext: context }: PodSpec, path: string): StatusCause[] {
  if (!context) return [];
  const id = (name: string, value: number | undefined) => rangeCauses(`${path}.${name}`, value, 0, MAX_INT32);
  const causes = [
    ...id('fsGroup', context.fsGroup),
    ...id('runAsUser', context.runAsUser),
    ...id('runAsGroup', context.runAsGroup),
    ...(context.supplementalGroups ?? []).flatMap((group, index) =>
      id(at('supplementalGroups', index), group),
    ),
  ];
  const policies = ['Always', 'OnRootMismatch'];
  const { fsGroupChangePolicy: policy } = context;
  if (policy !== undefined && !policies.includes(policy))
    causes.push(notSupported(`${path}.fsGroupChangePolicy`, policy, policies));
  return causes;
}

function nameCauses(spec: PodSpec, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const check = (
    name: 'serviceAccountName' | 'nodeName' | 'hostname' | 'subdomain',
    rule: typeof isDNS1123Label,
  ) => {
    const value = spec[name];
    if (value) causes.push(...validateWith(`${path}.${name}`, value, rule));
  };
  check('serviceAccountName', isDNS1123Subdomain);
  check('nodeName', isDNS1123Subdomain);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > MAX_INT32)) {
    const why = `must be between 1 and ${MAX_INT32}, inclusive`;
    causes.push(invalidValue(`${path}.activeDeadlineSeconds`, deadline, why));
  }
  check('hostname', isDNS1123Label);
  check('subdomain', isDNS1123Label);
  return causes;
}
