import type { Container, Pod } from '../../kube/index.ts';

/** What a container may ask of its SELinux context. */
export type SeLinuxOptions = NonNullable<NonNullable<Container['securityContext']>['seLinuxOptions']>;

/** `user:role:type:level`; a level has colons of its own. */
interface Context {
  user: string;
  role: string;
  type: string;
  level: string;
}

/** The contexts that the host's policy has for containers, as lxc_contexts gives them. */
export interface DefaultContexts {
  readonly process: string;
  readonly file: string;
}

/** The lines `key = "value"` of the file lxc_contexts, and of /etc/selinux/config. */
export function parseSettings(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split('\n').map((each) => each.trim())) {
    const equals = line.indexOf('=');
    if (equals < 0 || line.startsWith('#') || line.startsWith(';')) continue;
    settings.set(line.slice(0, equals).trim(), unquoted(line.slice(equals + 1).trim()));
  }
  return settings;
}

/**
 * The label of the files of a process with these options; '' when it asks for none, or the policy has no contexts for
 * containers. A level that is not given is `anyLevel`, as the runtime would take any.
 * Source: label.InitLabels of opencontainers/selinux.
 */
export function fileLabel(
  options: SeLinuxOptions | undefined,
  defaults: DefaultContexts,
  anyLevel: () => string,
): string {
  const { user, role, type, level } = options ?? {};
  if (!user && !role && !type && !level) return '';
  if (!defaults.file) return '';
  if (!defaults.process) return defaults.file;
  const file = parse(defaults.file);
  // Role and type are those of a process: its files have others.
  return format({
    ...file,
    user: user || file.user,
    level: level || (parse(defaults.process).level ? anyLevel() : file.level),
  });
}

/** With what options each volume is mounted by the containers of a pod. Source: GetPodVolumeNames, DetermineEffectiveSecurityContext. */
export function seLinuxOptionsByMount(pod: Pod): ReadonlyMap<string, readonly SeLinuxOptions[]> {
  const { containers = [], initContainers = [], ephemeralContainers = [], securityContext } = pod.spec ?? {};
  const byMount = new Map<string, SeLinuxOptions[]>();
  for (const container of [...initContainers, ...containers, ...ephemeralContainers]) {
    const options = container.securityContext?.seLinuxOptions ?? securityContext?.seLinuxOptions;
    for (const { name } of container.volumeMounts ?? []) {
      const known = byMount.get(name) ?? [];
      byMount.set(name, options ? [...known, options] : known);
    }
  }
  return byMount;
}

function parse(label: string): Context {
  const [user = '', role = '', type = '', ...level] = label.split(':');
  return { user, role, type, level: level.join(':') };
}

function format({ user, role, type, level }: Context): string {
  return [user, role, type, ...(level ? [level] : [])].join(':');
}

function unquoted(text: string): string {
  return text.replace(/^"+|"+$/g, '');
}
