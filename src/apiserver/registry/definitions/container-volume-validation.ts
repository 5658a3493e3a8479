import type { Container, StatusCause, Volume } from '../../../kube/index.ts';
import { at, forbiddenField, invalidValue, notFoundValue, oneOf, required } from '../validation/index.ts';
import { descendingPathCauses } from './volume-source-rules.ts';

// Where a container uses the pod's volumes. Source: Kubernetes 1.36, pkg/apis/core/validation ValidateVolumeMounts,
// ValidateVolumeDevices.

type Mount = NonNullable<Container['volumeMounts']>[number];

export function mountCauses(
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
  causes.push(...oneOf(`${list}.mountPropagation`, mountPropagation, modes));
  if (mountPropagation === 'Bidirectional' && !privileged) {
    const why = 'Bidirectional mount propagation is available only to privileged containers';
    causes.push(forbiddenField(`${list}.mountPropagation`, why));
  }
  const path = `${list}.recursiveReadOnly`;
  causes.push(...oneOf(path, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']));
  if (recursiveReadOnly === 'Enabled' || recursiveReadOnly === 'IfPossible') {
    if (!readOnly) causes.push(forbiddenField(path, 'may only be specified when readOnly is true'));
    if ((mountPropagation ?? 'None') !== 'None') {
      const why = 'may only be specified when mountPropagation is None or not specified';
      causes.push(forbiddenField(path, why));
    }
  }
  return causes;
}

export function deviceCauses(
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
