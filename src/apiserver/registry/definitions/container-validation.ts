import { type Container, compareQuantity, type StatusCause, type Volume } from '../../../kube/index.ts';
import {
  at,
  forbiddenField,
  invalidValue,
  isDNS1123Label,
  notFoundValue,
  notSupported,
  required,
  validateWith,
} from '../validation/index.ts';
import {
  containerResourceNameCauses,
  isOvercommitAllowed,
  resourceQuantityCauses,
} from './resource-names.ts';
import { descendingPathCauses } from './volume-source-rules.ts';

// Source: Kubernetes 1.36, pkg/apis/core/validation validateContainerCommon, as far as storage goes.

export function containerCauses(
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): StatusCause[] {
  return [
    ...(container.name
      ? validateWith(`${path}.name`, container.name, isDNS1123Label)
      : [required(`${path}.name`)]),
    ...(container.image ? [] : [required(`${path}.image`)]),
    ...choiceCauses(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, [
      ...['File', 'FallbackToLogsOnError'],
    ]),
    ...mountCauses(container, volumes, `${path}.volumeMounts`),
    ...deviceCauses(container, volumes, `${path}.volumeDevices`),
    ...choiceCauses(`${path}.imagePullPolicy`, container.imagePullPolicy, [
      ...['Always', 'IfNotPresent', 'Never'],
    ]),
    ...resourceCauses(container.resources, `${path}.resources`),
  ];
}

function choiceCauses(path: string, value: string | undefined, allowed: readonly string[]): StatusCause[] {
  return value === undefined || allowed.includes(value) ? [] : [notSupported(path, value, allowed)];
}

type Mount = NonNullable<Container['volumeMounts']>[number];

function mountCauses(
  { volumeMounts = [], volumeDevices = [], securityContext }: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): StatusCause[] {
  const seen = new Set<string>();
  return volumeMounts.flatMap((mount, index) => {
    const here = at(path, index);
    const { name = '', mountPath = '' } = mount;
    const causes: StatusCause[] = name ? [] : [required(`${here}.name`)];
    if (!volumes.has(name)) causes.push(notFoundValue(`${here}.name`, name));
    if (!mountPath) causes.push(required(`${here}.mountPath`));
    if (seen.has(mountPath)) causes.push(invalidValue(`${here}.mountPath`, mountPath, 'must be unique'));
    seen.add(mountPath);
    if (volumeDevices.some((device) => device.name === name))
      causes.push(invalidValue(`${here}.name`, name, 'must not already exist in volumeDevices'));
    if (volumeDevices.some((device) => device.devicePath === mountPath)) {
      const why = 'must not already exist as a path in volumeDevices';
      causes.push(invalidValue(`${here}.mountPath`, mountPath, why));
    }
    return [...causes, ...mountOptionCauses(mount, securityContext?.privileged ?? false, path, here)];
  });
}

/** For most of these upstream names the list instead of the mount. */
function mountOptionCauses(mount: Mount, privileged: boolean, list: string, here: string): StatusCause[] {
  const { subPath, subPathExpr, mountPropagation, recursiveReadOnly, readOnly } = mount;
  const causes = subPath ? descendingPathCauses(`${list}.subPath`, subPath) : [];
  if (subPathExpr) {
    if (subPath) {
      const why = 'subPathExpr and subPath are mutually exclusive';
      causes.push(invalidValue(`${here}.subPathExpr`, subPathExpr, why));
    }
    causes.push(...descendingPathCauses(`${list}.subPathExpr`, subPathExpr));
  }
  const modes = ['Bidirectional', 'HostToContainer', 'None'];
  causes.push(...choiceCauses(`${list}.mountPropagation`, mountPropagation, modes));
  if (mountPropagation === 'Bidirectional' && !privileged) {
    const why = 'Bidirectional mount propagation is available only to privileged containers';
    causes.push(forbiddenField(`${list}.mountPropagation`, why));
  }
  const path = `${list}.recursiveReadOnly`;
  causes.push(...choiceCauses(path, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']));
  if (recursiveReadOnly === 'Enabled' || recursiveReadOnly === 'IfPossible') {
    if (!readOnly) causes.push(forbiddenField(path, 'may only be specified when readOnly is true'));
    if ((mountPropagation ?? 'None') !== 'None') {
      const why = 'may only be specified when mountPropagation is None or not specified';
      causes.push(forbiddenField(path, why));
    }
  }
  return causes;
}

function deviceCauses(
  { volumeDevices = [], volumeMounts = [] }: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): StatusCause[] {
  const names = new Set<string>();
  const paths = new Set<string>();
  return volumeDevices.flatMap(({ name = '', devicePath = '' }, index) => {
    const here = at(path, index);
    const volume = volumes.get(name);
    const causes: StatusCause[] = name ? [] : [required(`${here}.name`)];
    const refuse = (field: 'name' | 'devicePath', why: string) =>
      causes.push(invalidValue(`${here}.${field}`, field === 'name' ? name : devicePath, why));
    if (names.has(name)) refuse('name', 'must be unique');
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      refuse('name', 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode');
    }
    if (!volume) causes.push(notFoundValue(`${here}.name`, name));
    if (!devicePath) causes.push(required(`${here}.devicePath`));
    if (paths.has(devicePath)) refuse('devicePath', 'must be unique');
    if (devicePath.split('/').includes('..')) refuse('devicePath', "can not contain backsteps ('..')");
    else paths.add(devicePath);
    if (volumeMounts.some((mount) => mount.name === name))
      refuse('name', 'must not already exist in volumeMounts');
    if (volumeMounts.some((mount) => mount.mountPath === devicePath))
      refuse('devicePath', 'must not already exist as a path in volumeMounts');
    if (name) names.add(name);
    return causes;
  });
}

/** Rules: validateResourceRequirements. */
function resourceCauses(resources: Container['resources'], path: string): StatusCause[] {
  const { limits = {}, requests = {} } = resources ?? {};
  const causes: StatusCause[] = [];
  for (const [list, amounts] of [
    ['limits', limits],
    ['requests', requests],
  ] as const) {
    for (const [name, quantity] of Object.entries(amounts)) {
      const here = at(`${path}.${list}`, name);
      causes.push(...containerResourceNameCauses(here, name));
      causes.push(...resourceQuantityCauses(here, name, quantity));
      if (list === 'requests') causes.push(...requestCauses(name, quantity, limits[name], path));
    }
  }
  return causes;
}

function requestCauses(
  name: string,
  quantity: string,
  limit: string | undefined,
  path: string,
): StatusCause[] {
  if (limit === undefined) {
    if (isOvercommitAllowed(name)) return [];
    return [required(`${path}.limits`, 'Limit must be set for non overcommitable resources')];
  }
  const order = compareQuantity(quantity, limit);
  if (order !== 0 && !isOvercommitAllowed(name))
    return [invalidValue(`${path}.requests`, quantity, `must be equal to ${name} limit of ${limit}`)];
  if (order <= 0) return [];
  const why = `must be less than or equal to ${name} limit of ${limit}`;
  return [invalidValue(`${path}.requests`, quantity, why)];
}
