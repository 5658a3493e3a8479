import { trimEndOf } from '../../base/index.ts';
import type { Container, Pod, Stored } from '../../kube/index.ts';
import { containerCgroup, oomScoreAdjust } from '../cgroups/index.ts';
import type { LoadedImage, UserTables } from '../images/index.ts';
import type {
  ContainerConfig,
  ContainerMount,
  ContainerNamespaces,
  ContainerSetup,
  ContainerStreams,
} from '../runtime/index.ts';
import type { ImageOutcome } from './ensure-image.ts';
import { expand } from './expand.ts';
import { hostsFile, podHostname } from './hosts-file.ts';
import { checkIsolationWishes } from './isolation-wishes.ts';
import { podDns } from './pod-dns.ts';
import { containerSecurity } from './security.ts';
import { homeDirectory, imageUser } from './users.ts';
import { isRecursiveReadOnly } from './volume-mount-status.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_MESSAGE_PATH = '/dev/termination-log';

/** A volume of the pod that is mounted on the host. */
export interface PodVolume {
  readonly hostPath: string;
  readonly readOnly: boolean;
  /** The name of the PersistentVolume, or of the pod's volume. */
  readonly specName: string;
  /** A group that the pod's containers must be in to use it. */
  readonly gid?: number;
  /** Of a volume that is an image: what was found of it. */
  readonly image?: ImageOutcome;
}

/** What of the host's /etc a container without an image shares. */
export interface HostFiles {
  readonly users: UserTables;
  /** The host's /etc/resolv.conf. */
  readonly resolvConf?: string;
  /** The host's name, and its /etc/hosts, for a pod that wants its network. */
  readonly hostname?: string;
  readonly hosts?: string;
}

/** What is known of a container before its volumes are there. */
export interface SetupInput extends HostFiles {
  readonly pod: Stored<Pod>;
  readonly container: Container;
  readonly attempt: number;
  readonly podIp: string;
  readonly image?: LoadedImage;
  /** Whose processes it sees. @default its own */
  readonly pid?: ContainerNamespaces['pid'];
  /** How many processes the pod may have. @default any number */
  readonly podPidsLimit?: number;
  /** The machine's memory. @default not known */
  readonly machineBytes?: number;
  /** Groups that the pod's volumes ask for. @default none */
  readonly volumeGroups?: readonly number[];
}

export interface ConfigInput extends SetupInput {
  /** What the spec asks for, resolved. */
  readonly environment: ReadonlyMap<string, string>;
  readonly volumes: ReadonlyMap<string, PodVolume>;
  /** Where the parts of volumes are that are mounted in place of the whole, by the number of the volumeMount. @default none */
  readonly subpaths?: ReadonlyMap<number, string>;
}

/**
 * What the runtime is to run for a container.
 * @throws Error, fit for the waiting reason CreateContainerConfigError, when the spec cannot be met.
 */
export function containerConfig(input: ConfigInput): ContainerConfig {
  const { container, image } = input;
  // In this order, as the kubelet does: of several things that are wrong it tells the first.
  const devices = containerDevices(container, input.volumes);
  const mounts = containerMounts(container, input);
  const volumeGroups = [...input.volumes.values()].flatMap(({ gid }) => gid ?? []);
  const setup = containerSetup({ ...input, volumeGroups });
  // What the image brings along comes first, so that the spec can replace it.
  const environment = new Map([
    ['PATH', DEFAULT_PATH],
    ['HOSTNAME', setup.hostname],
    ['HOME', homeDirectory(image?.users ?? input.users, setup.security.uid)],
    ...(container.tty ? [['TERM', 'xterm'] as const] : []),
    ...(image?.config.environment ?? []).map(splitVariable),
    ...input.environment,
  ]);
  return {
    ...setup,
    command: commandWords(container, input.environment, image),
    environment,
    mounts: [...mounts, ...devices],
  };
}

/**
 * What the runtime can make ready of a container.
 * @throws Error, fit for the waiting reason CreateContainerConfigError, when the spec cannot be met.
 */
export function containerSetup(input: SetupInput): ContainerSetup {
  const { pod, container, attempt, image } = input;
  checkIsolationWishes(pod, container);
  const users = image?.users ?? input.users;
  const hostname = input.hostname ?? podHostname(pod);
  const { resolvConf } = podDns(pod, input.resolvConf);
  return {
    podUid: pod.metadata.uid,
    podNamespace: pod.metadata.namespace ?? '',
    podName: pod.metadata.name,
    containerName: container.name,
    attempt,
    image: container.image ?? '',
    hostname,
    workingDir: container.workingDir || image?.config.workingDir || '/',
    etcFiles: {
      hosts: hostsFile(pod, input.podIp, input.hosts),
      hostname: `${hostname}\n`,
      ...(resolvConf === undefined ? {} : { 'resolv.conf': resolvConf }),
    },
    terminationMessagePath: container.terminationMessagePath || DEFAULT_MESSAGE_PATH,
    terminationMessageFromLog: container.terminationMessagePolicy === 'FallbackToLogsOnError',
    security: containerSecurity(
      pod,
      container,
      users,
      image && imageUser(image.config.user, users),
      input.volumeGroups,
    ),
    streams: containerStreams(container),
    namespaces: { pid: input.pid ?? 'own', ipc: pod.spec?.hostIPC ? 'host' : 'own' },
    imageRoot: image?.root,
    imageId: image?.id,
    cgroup: containerCgroup(pod, container, input.podPidsLimit),
    oomScore: input.machineBytes && oomScoreAdjust(pod, container, input.machineBytes),
  };
}

/** A container that only holds a PID namespace: it takes in the processes that others leave behind. */
export function sandboxConfig(pod: Stored<Pod>, containerName: string): ContainerConfig {
  return {
    podUid: pod.metadata.uid,
    podNamespace: pod.metadata.namespace ?? '',
    podName: pod.metadata.name,
    containerName,
    attempt: 0,
    image: '',
    hostname: podHostname(pod),
    command: ['perl', '-e', '$SIG{CHLD} = "IGNORE"; $SIG{TERM} = sub { exit 0 }; sleep while 1'],
    environment: new Map([['PATH', DEFAULT_PATH]]),
    workingDir: '/',
    mounts: [],
    etcFiles: {},
    terminationMessagePath: DEFAULT_MESSAGE_PATH,
    terminationMessageFromLog: false,
    security: {
      uid: 0,
      gid: 0,
      supplementalGroups: [],
      capabilities: [],
      noNewPrivileges: true,
      readOnlyRootFilesystem: true,
    },
  };
}

function splitVariable(text: string): [string, string] {
  const [name = '', ...value] = text.split('=');
  return [name, value.join('=')];
}

/** `command` stands in for the image's entrypoint and its command, `args` for the latter alone. */
function commandWords(
  { command = [], args = [] }: Container,
  environment: ReadonlyMap<string, string>,
  image: LoadedImage | undefined,
): string[] {
  const expanded = (words: readonly string[]) => words.map((word) => expand(word, environment));
  if (command.length > 0 || !image) return expanded([...command, ...args]);
  return [...image.config.entrypoint, ...(args.length > 0 ? expanded(args) : image.config.command)];
}

function containerStreams({ stdin = false, stdinOnce = false, tty = false }: Container): ContainerStreams {
  return { stdin: stdin ? (stdinOnce ? 'once' : 'open') : 'none', tty };
}

/** Source: makeBlockVolumes of the kubelet. */
function containerDevices(container: Container, volumes: ReadonlyMap<string, PodVolume>): ContainerMount[] {
  return (container.volumeDevices ?? []).map(({ name, devicePath }): ContainerMount => {
    if (!devicePath.startsWith('/'))
      throw new Error(`error DevicePath \`${devicePath}\` must be an absolute path`);
    const volume = volumes.get(name);
    if (!volume)
      throw new Error(
        `cannot find volume ${JSON.stringify(name)} to pass into container ${JSON.stringify(container.name)}`,
      );
    return { hostPath: volume.hostPath, containerPath: devicePath, readOnly: false, device: true };
  });
}

function containerMounts(container: Container, { volumes, subpaths }: ConfigInput): ContainerMount[] {
  return (container.volumeMounts ?? []).map((mount, index): ContainerMount => {
    const volume = volumes.get(mount.name);
    if (!volume)
      throw new Error(
        `cannot find volume ${JSON.stringify(mount.name)} to mount into container ${JSON.stringify(container.name)}`,
      );
    const containerPath = mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`;
    return {
      hostPath: subpaths?.get(index) ?? volume.hostPath,
      containerPath: containerPath.length > 1 ? trimEndOf(containerPath, '/') : containerPath,
      readOnly: volume.readOnly || (mount.readOnly ?? false),
      recursiveReadOnly: isRecursiveReadOnly(mount),
      propagation: (mount.mountPropagation ?? 'None') as ContainerMount['propagation'],
    };
  });
}
