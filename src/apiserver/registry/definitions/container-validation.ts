import type { Container, StatusCause, Volume } from '../../../kube/index.ts';
import {
  at,
  duplicate,
  invalidValue,
  isDNS1123Label,
  oneOf,
  required,
  validateWith,
} from '../validation/index.ts';
import { resourceCauses } from './container-resources-validation.ts';
import { deviceCauses, mountCauses } from './container-volume-validation.ts';
import { envCauses, envFromCauses } from './env-validation.ts';
import { containerPortCauses } from './port-validation.ts';
import { securityContextCauses } from './security-context-validation.ts';

// Source: Kubernetes 1.36, pkg/apis/core/validation validateContainerCommon.

/** What a container's rules look at beside the container itself. */
export interface ContainerContext {
  readonly volumes: ReadonlyMap<string, Volume>;
  /** The names of the pod's resource claims. */
  readonly claims: readonly string[];
  readonly podRestartPolicy: string | undefined;
  readonly hostUsers: boolean;
}

export function containerCauses(
  container: Container,
  path: string,
  { volumes, claims, podRestartPolicy, hostUsers }: ContainerContext,
): StatusCause[] {
  return [
    ...(container.name
      ? validateWith(`${path}.name`, container.name, isDNS1123Label)
      : [required(`${path}.name`)]),
    ...(container.image ? [] : [required(`${path}.image`)]),
    ...oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, [
      ...['File', 'FallbackToLogsOnError'],
    ]),
    ...containerPortCauses(container.ports, `${path}.ports`),
    ...envCauses(container.env, `${path}.env`),
    ...envFromCauses(container.envFrom, `${path}.envFrom`),
    ...mountCauses(container, volumes, `${path}.volumeMounts`),
    ...deviceCauses(container, volumes, `${path}.volumeDevices`),
    ...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, [...['Always', 'IfNotPresent', 'Never']]),
    ...resourceCauses(container.resources, claims, `${path}.resources`),
    ...resizeCauses(container, podRestartPolicy, `${path}.resizePolicy`),
    ...securityContextCauses(container.securityContext, `${path}.securityContext`, hostUsers),
  ];
}

/** Images of pods, not of templates, may not be padded (validateContainerOnlyForPod). */
export function paddedImageCauses({ image = '' }: Container, path: string): StatusCause[] {
  return image.trim() === image
    ? []
    : [invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace')];
}

const RESIZED = ['cpu', 'memory'];

function resizeCauses(
  { resizePolicy = [] }: Container,
  podRestartPolicy: string | undefined,
  path: string,
): StatusCause[] {
  const seen = new Set<string>();
  return resizePolicy.flatMap(({ resourceName = '', restartPolicy = '' }, index) => {
    const causes = seen.has(resourceName) ? [duplicate(at(path, index), resourceName)] : [];
    seen.add(resourceName);
    // For these upstream names the list.
    causes.push(...(resourceName ? oneOf(path, resourceName, RESIZED) : [required(path)]));
    const policies = ['NotRequired', 'RestartContainer'];
    causes.push(...(restartPolicy ? oneOf(path, restartPolicy, policies) : [required(path)]));
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      const why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
      causes.push(invalidValue(path, restartPolicy, why));
    }
    return causes;
  });
}
