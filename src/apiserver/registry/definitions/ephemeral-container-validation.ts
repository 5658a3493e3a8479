import type { Container, PodSpec, StatusCause } from '../../../kube/index.ts';
import { at, duplicate, forbiddenField, notFoundValue } from '../validation/index.ts';
import { type ContainerContext, containerCauses, paddedImageCauses } from './container-validation.ts';

// Containers that visit a running pod. Source: Kubernetes 1.36, pkg/apis/core/validation validateEphemeralContainers.

/** What a container has that its pod depends on: one that is only visiting has none of it. */
const NOT_ALLOWED = [
  ...([
    'ports',
    'resources',
    'resizePolicy',
    'restartPolicy',
    'restartPolicyRules',
    'livenessProbe',
  ] as const),
  ...(['readinessProbe', 'startupProbe', 'lifecycle'] as const),
];
const CANNOT = 'cannot be set for an Ephemeral Container';

export function ephemeralContainerCauses(
  { containers = [], initContainers = [], ephemeralContainers = [] }: PodSpec,
  path: string,
  context: ContainerContext,
): StatusCause[] {
  const others = new Set([...containers, ...initContainers].map(({ name }) => name));
  const names = new Set(others);
  return ephemeralContainers.flatMap((ephemeral, index) => {
    const here = at(path, index);
    const { targetContainerName, ...common } = ephemeral;
    const container: Container = common;
    const causes = [...containerCauses(container, here, context), ...paddedImageCauses(container, here)];
    if (names.has(container.name)) causes.push(duplicate(`${here}.name`, container.name));
    names.add(container.name);
    if (targetContainerName && !others.has(targetContainerName))
      causes.push(notFoundValue(`${here}.targetContainerName`, targetContainerName));
    for (const field of NOT_ALLOWED)
      if (isSet(container[field])) causes.push(forbiddenField(`${here}.${field}`, CANNOT));
    for (const [place, mount] of (container.volumeMounts ?? []).entries())
      for (const field of ['subPath', 'subPathExpr'] as const)
        if (mount[field])
          causes.push(forbiddenField(`${at(`${here}.volumeMounts`, place)}.${field}`, CANNOT));
    return causes;
  });
}

/** Go has no difference between an empty struct and none. */
function isSet(value: unknown): boolean {
  return value !== undefined && (typeof value !== 'object' || Object.keys(value as object).length > 0);
}
