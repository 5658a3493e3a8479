import type { Container, PodSpec, StatusCause } from '../../../kube/index.ts';
import { at, duplicate, invalidValue, notSupported, oneOf, required, tooLong } from '../validation/index.ts';
import { goForm } from './go-form.ts';
import { descendingPathCauses, rangeCauses } from './volume-source-rules.ts';

// Source: Kubernetes 1.36, pkg/apis/core/validation ValidateSecurityContext, validatePodSpecSecurityContext. What only
// Windows has is taken as it is.

const MAX_INT32 = 2 ** 31 - 1;
type SecurityContext = NonNullable<Container['securityContext']>;
type PodSecurityContext = NonNullable<PodSpec['securityContext']>;

const idCauses = (path: string, id: number | undefined) => rangeCauses(path, id, 0, MAX_INT32);

export function securityContextCauses(
  context: SecurityContext | undefined,
  path: string,
  hostUsers: boolean,
): StatusCause[] {
  if (!context) return [];
  const { procMount, allowPrivilegeEscalation, privileged, capabilities } = context;
  const causes = [
    ...idCauses(`${path}.runAsUser`, context.runAsUser),
    ...idCauses(`${path}.runAsGroup`, context.runAsGroup),
    ...oneOf(`${path}.procMount`, procMount, ['Default', 'Unmasked']),
  ];
  if (hostUsers && procMount === 'Unmasked')
    causes.push(invalidValue(`${path}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`'));
  causes.push(...seccompCauses(context.seccompProfile, `${path}.seccompProfile`));
  if (allowPrivilegeEscalation === false) {
    const cannot = (what: string) =>
      invalidValue(
        path,
        goForm('SecurityContext', context),
        `cannot set \`allowPrivilegeEscalation\` to false and ${what}`,
      );
    if (privileged) causes.push(cannot('`privileged` to true'));
    for (const name of capabilities?.add ?? [])
      if (name === 'CAP_SYS_ADMIN') causes.push(cannot('`capabilities.Add` CAP_SYS_ADMIN'));
  }
  return [...causes, ...appArmorCauses(context.appArmorProfile, `${path}.appArmorProfile`)];
}

export function podSecurityContextCauses(spec: PodSpec, path: string): StatusCause[] {
  const context = spec.securityContext;
  if (!context) return [];
  const causes = [
    ...(['fsGroup', 'runAsUser', 'runAsGroup'] as const).flatMap((name) =>
      idCauses(`${path}.${name}`, context[name]),
    ),
    ...(context.supplementalGroups ?? []).flatMap((group, index) =>
      idCauses(at(`${path}.supplementalGroups`, index), group),
    ),
  ];
  if (spec.shareProcessNamespace && spec.hostPID) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    causes.push(invalidValue(`${path}.shareProcessNamespace`, true, why));
  }
  return [
    ...causes,
    ...sysctlCauses(spec, context, `${path}.sysctls`),
    ...oneOf(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
    ...seccompCauses(context.seccompProfile, `${path}.seccompProfile`),
    ...appArmorCauses(context.appArmorProfile, `${path}.appArmorProfile`),
    ...oneOf(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...oneOf(`${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['Recursive']),
  ];
}

const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const SYSCTL_FORM = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
/** Settings of the kernel that each IPC namespace has for itself. */
const IPC_SYSCTL =
  /^(kernel\.(sem|shm|shmall|shmmax|shmmni|shm_rmid_forced|msg|msgmax|msgmnb|msgmni)$|fs\.mqueue\.)/;

function sysctlCauses(spec: PodSpec, { sysctls = [] }: PodSecurityContext, path: string): StatusCause[] {
  const seen = new Set<string>();
  return sysctls.flatMap(({ name = '' }, index) => {
    const here = `${at(path, index)}.name`;
    const causes: StatusCause[] = [];
    if (!name) causes.push(required(here));
    else if (name.length > 253 || !SYSCTL.test(name))
      causes.push(
        invalidValue(here, name, `must have at most 253 characters and match regex ${SYSCTL_FORM}`),
      );
    else if (seen.has(name)) causes.push(duplicate(here, name));
    const dotted = name.replaceAll('/', '.');
    if (spec.hostNetwork && dotted.startsWith('net.'))
      causes.push(invalidValue(here, name, "may not be specified when 'hostNetwork' is true"));
    else if (spec.hostIPC && IPC_SYSCTL.test(dotted))
      causes.push(invalidValue(here, name, "may not be specified when 'hostIPC' is true"));
    seen.add(name);
    return causes;
  });
}

type SeccompProfile = SecurityContext['seccompProfile'];
const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function seccompCauses(profile: SeccompProfile, path: string): StatusCause[] {
  if (!profile) return [];
  const { type, localhostProfile } = profile;
  const here = `${path}.localhostProfile`;
  const causes = profileTypeCauses(type, 'seccompProfile', path);
  if (type === 'Localhost') {
    if (localhostProfile === undefined)
      causes.push(required(here, 'must be set when seccomp type is Localhost'));
    else causes.push(...descendingPathCauses(here, localhostProfile));
  } else if (localhostProfile !== undefined) {
    const why = 'can only be set when seccomp type is Localhost';
    causes.push(invalidValue(here, goForm('SeccompProfile', profile), why));
  }
  return causes;
}

const MAX_APPARMOR_PROFILE = 4095;

function appArmorCauses(profile: SecurityContext['appArmorProfile'], path: string): StatusCause[] {
  if (!profile) return [];
  const { type, localhostProfile: local } = profile;
  const here = `${path}.localhostProfile`;
  const missing = required(here, 'must be set when AppArmor type is Localhost');
  if (type !== 'Localhost') {
    const causes = profileTypeCauses(type, 'appArmorProfile', path);
    if (causes.length > 0 || local === undefined) return causes;
    return [invalidValue(here, local, 'can only be set when AppArmor type is Localhost')];
  }
  if (local === undefined || local === '') return [missing];
  const causes: StatusCause[] = [];
  if (local.trim() !== local) causes.push(invalidValue(here, local, 'must not be padded with whitespace'));
  if (local.length > MAX_APPARMOR_PROFILE) causes.push(tooLong(here, MAX_APPARMOR_PROFILE));
  return causes;
}

function profileTypeCauses(type: string | undefined, field: string, path: string): StatusCause[] {
  if (!type) return [required(`${path}.type`, `type is required when ${field} is set`)];
  return PROFILE_TYPES.includes(type) ? [] : [notSupported(`${path}.type`, type, PROFILE_TYPES)];
}
