import type { Container, Pod, PodSpec, StatusCause, Stored, Volume } from '../../../kube/index.ts';
import {
  at,
  duplicate,
  equal,
  forbiddenField,
  invalidValue,
  isDNS1123Label,
  isDNS1123Subdomain,
  notFoundValue,
  oneOf,
  required,
  validateWith,
} from '../validation/index.ts';
import { claimSpecCauses } from './volume-validation.ts';

const UPDATABLE =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** Rules of a pod's or a template's spec: names, volumes and what uses them. Source: pkg/apis/core/validation. */
export function validatePodSpec(spec: PodSpec | undefined, path: string, podName?: string): StatusCause[] {
  if (!spec?.containers?.length) return [required(`${path}.containers`)];
  const causes: StatusCause[] = validateVolumes(spec.volumes ?? [], `${path}.volumes`, podName);
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const names = new Set<string>();
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const here = at(`${path}.${list}`, index);
      if (container.name && names.has(container.name)) causes.push(duplicate(`${here}.name`, container.name));
      names.add(container.name);
      causes.push(...validateContainer(container, volumes, here));
    }
  }
  causes.push(...oneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']));
  causes.push(
    ...oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, [
      'ClusterFirstWithHostNet',
      'ClusterFirst',
      'Default',
      'None',
    ]),
  );
  if (spec.nodeName) causes.push(...validateWith(`${path}.nodeName`, spec.nodeName, isDNS1123Subdomain));
  if (spec.serviceAccountName) {
    causes.push(...validateWith(`${path}.serviceAccountName`, spec.serviceAccountName, isDNS1123Subdomain));
  }
  if (spec.hostname) causes.push(...validateWith(`${path}.hostname`, spec.hostname, isDNS1123Label));
  if (spec.subdomain) causes.push(...validateWith(`${path}.subdomain`, spec.subdomain, isDNS1123Label));
  if (spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds < 1) {
    causes.push(
      invalidValue(
        `${path}.activeDeadlineSeconds`,
        spec.activeDeadlineSeconds,
        'must be between 1 and 2147483647, inclusive',
      ),
    );
  }
  return causes;
}

/** An update may change images, the deadline and add tolerations; binding sets nodeName through its own subresource. */
export function validatePodUpdate(next: Pod, previous: Stored<Pod>): StatusCause[] {
  const a = next.spec;
  const b = previous.spec;
  if (a === b || !a || !b) return [];
  const causes: StatusCause[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    if ((a[list]?.length ?? 0) !== (b[list]?.length ?? 0)) {
      return [
        forbiddenField(
          `spec.${list}`,
          `pod updates may not add or remove ${list === 'containers' ? 'containers' : 'initContainers'}`,
        ),
      ];
    }
  }
  const kept = (b.tolerations ?? []).every((old) =>
    (a.tolerations ?? []).some((one) => equal({ ...one, tolerationSeconds: old.tolerationSeconds }, old)),
  );
  if (!kept) {
    causes.push(
      forbiddenField(
        'spec.tolerations',
        'existing toleration can not be modified except its tolerationSeconds',
      ),
    );
  }
  const images = (containers: readonly Container[] | undefined, from: readonly Container[] | undefined) =>
    containers?.map((container, index) => ({ ...container, image: from?.[index]?.image }));
  const munged: PodSpec = {
    ...a,
    containers: images(a.containers, b.containers)!,
    initContainers: images(a.initContainers, b.initContainers),
    activeDeadlineSeconds: b.activeDeadlineSeconds,
    tolerations: b.tolerations,
    schedulingGates: b.schedulingGates,
    terminationGracePeriodSeconds:
      (b.terminationGracePeriodSeconds ?? 0) < 0 && a.terminationGracePeriodSeconds === 1
        ? b.terminationGracePeriodSeconds
        : a.terminationGracePeriodSeconds,
  };
  if (!equal(munged, b)) {
    causes.push(forbiddenField('spec', `pod updates may not change fields other than ${UPDATABLE}`));
  }
  return causes;
}

function validateVolumes(
  volumes: readonly Volume[],
  path: string,
  podName: string | undefined,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const names = new Set<string>();
  const created = new Set(
    volumes.filter((volume) => volume.ephemeral && podName).map((volume) => `${podName}-${volume.name}`),
  );
  for (const [index, volume] of volumes.entries()) {
    const here = at(path, index);
    if (!volume.name) causes.push(required(`${here}.name`));
    else causes.push(...validateWith(`${here}.name`, volume.name, isDNS1123Label));
    if (names.has(volume.name)) causes.push(duplicate(`${here}.name`, volume.name));
    names.add(volume.name);
    causes.push(...validateVolumeSource(volume, here));
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim && created.has(claim)) {
      causes.push(
        invalidValue(
          `${here}.persistentVolumeClaim.claimName`,
          claim,
          'must not reference a PVC that gets created for an ephemeral volume',
        ),
      );
    }
  }
  return causes;
}

function validateVolumeSource(volume: Volume, path: string): StatusCause[] {
  const [, ...extra] = Object.keys(volume).filter((name) => name !== 'name');
  const causes = extra.map((name) =>
    forbiddenField(`${path}.${name}`, 'may not specify more than 1 volume type'),
  );
  if (volume.persistentVolumeClaim && !volume.persistentVolumeClaim.claimName) {
    causes.push(required(`${path}.persistentVolumeClaim.claimName`));
  }
  if (volume.hostPath && !volume.hostPath.path) causes.push(required(`${path}.hostPath.path`));
  if (volume.hostPath?.path?.split('/').includes('..')) {
    causes.push(invalidValue(`${path}.hostPath.path`, volume.hostPath.path, "must not contain '..'"));
  }
  if (volume.csi && !volume.csi.driver) causes.push(required(`${path}.csi.driver`));
  if (volume.secret && !volume.secret.secretName) causes.push(required(`${path}.secret.secretName`));
  if (volume.configMap && !volume.configMap.name) causes.push(required(`${path}.configMap.name`));
  if (volume.ephemeral) {
    const template = volume.ephemeral.volumeClaimTemplate;
    if (!template) causes.push(required(`${path}.ephemeral.volumeClaimTemplate`));
    else causes.push(...claimSpecCauses(template.spec, `${path}.ephemeral.volumeClaimTemplate.spec`));
  }
  return causes;
}

function validateContainer(
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!container.name) causes.push(required(`${path}.name`));
  else causes.push(...validateWith(`${path}.name`, container.name, isDNS1123Label));
  if (!container.image) causes.push(required(`${path}.image`));
  else if (container.image.trim() !== container.image) {
    causes.push(
      invalidValue(`${path}.image`, container.image, 'must not have leading or trailing whitespace'),
    );
  }
  causes.push(
    ...oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
  );
  causes.push(...validateMounts(container, volumes, `${path}.volumeMounts`));
  causes.push(...validateDevices(container, volumes, `${path}.volumeDevices`));
  return causes;
}

function validateMounts(
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const seen = new Set<string>();
  const devices = container.volumeDevices ?? [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const here = at(path, index);
    if (!mount.name) causes.push(required(`${here}.name`));
    if (!volumes.has(mount.name)) causes.push(notFoundValue(`${here}.name`, mount.name ?? ''));
    if (!mount.mountPath) causes.push(required(`${here}.mountPath`));
    if (seen.has(mount.mountPath)) {
      causes.push(invalidValue(`${here}.mountPath`, mount.mountPath, 'must be unique'));
    }
    seen.add(mount.mountPath);
    if (devices.some((device) => device.name === mount.name)) {
      causes.push(invalidValue(`${here}.name`, mount.name, 'must not already exist in volumeDevices'));
    }
    if (devices.some((device) => device.devicePath === mount.mountPath)) {
      causes.push(
        invalidValue(
          `${here}.mountPath`,
          mount.mountPath,
          'must not already exist as a path in volumeDevices',
        ),
      );
    }
    for (const name of ['subPath', 'subPathExpr'] as const) {
      const value = mount[name];
      if (!value) continue;
      // Upstream names the list, not the item, here.
      if (value.startsWith('/'))
        causes.push(invalidValue(`${path}.${name}`, value, 'must be a relative path'));
      if (value.split('/').includes('..'))
        causes.push(invalidValue(`${path}.${name}`, value, "must not contain '..'"));
    }
    if (mount.subPath && mount.subPathExpr) {
      causes.push(
        invalidValue(
          `${here}.subPathExpr`,
          mount.subPathExpr,
          'subPathExpr and subPath are mutually exclusive',
        ),
      );
    }
    causes.push(
      ...oneOf(`${path}.mountPropagation`, mount.mountPropagation, [
        'Bidirectional',
        'HostToContainer',
        'None',
      ]),
    );
  }
  return causes;
}

function validateDevices(
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [index, device] of (container.volumeDevices ?? []).entries()) {
    const here = at(path, index);
    const volume = volumes.get(device.name);
    if (!device.name) causes.push(required(`${here}.name`));
    if (names.has(device.name)) causes.push(invalidValue(`${here}.name`, device.name, 'must be unique'));
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      causes.push(
        invalidValue(
          `${here}.name`,
          device.name,
          'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
        ),
      );
    }
    if (!volume) causes.push(notFoundValue(`${here}.name`, device.name ?? ''));
    if (!device.devicePath) causes.push(required(`${here}.devicePath`));
    if (paths.has(device.devicePath)) {
      causes.push(invalidValue(`${here}.devicePath`, device.devicePath, 'must be unique'));
    }
    if (device.devicePath?.split('/').includes('..')) {
      causes.push(invalidValue(`${here}.devicePath`, device.devicePath, "can not contain backsteps ('..')"));
    }
    names.add(device.name);
    paths.add(device.devicePath);
    // Overlaps with mounts are reported there.
  }
  return causes;
}
