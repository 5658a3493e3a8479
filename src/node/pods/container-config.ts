import { trimEndOf } from '../../base/index.ts';
import type { Container, Pod, Stored } from '../../kube/index.ts';
import type { ContainerConfig, ContainerMount } from '../runtime/index.ts';
import { expand } from './expand.ts';
import { hostsFile, podHostname } from './hosts-file.ts';
import { containerSecurity, homeDirectory, primaryGroup } from './security.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_MESSAGE_PATH = '/dev/termination-log';

/** A volume of the pod that is mounted on the host. */
export interface PodVolume {
  readonly hostPath: string;
  readonly readOnly: boolean;
}

export interface ConfigInput {
  readonly pod: Stored<Pod>;
  readonly container: Container;
  readonly attempt: number;
  /** What the spec asks for, resolved. */
  readonly environment: ReadonlyMap<string, string>;
  readonly volumes: ReadonlyMap<string, PodVolume>;
  readonly podIp: string;
  /** The host's /etc/passwd: the container's too. */
  readonly passwd: string;
  /** The host's /etc/resolv.conf, which every pod shares, as it shares the network. */
  readonly resolvConf?: string;
}

/**
 * What the runtime is to run for a container.
 * @throws Error, fit for the waiting reason CreateContainerConfigError, when the spec cannot be met.
 */
export function containerConfig(input: ConfigInput): ContainerConfig {
  const { pod, container, attempt, passwd } = input;
  const security = containerSecurity(pod, container, (uid) => primaryGroup(passwd, uid));
  const hostname = podHostname(pod);
  // What an image would bring along comes first, so that the spec can replace it.
  const environment = new Map([
    ['PATH', DEFAULT_PATH],
    ['HOSTNAME', hostname],
    ['HOME', homeDirectory(passwd, security.uid)],
    ...input.environment,
  ]);
  const words = [...(container.command ?? []), ...(container.args ?? [])];
  return {
    podUid: pod.metadata.uid,
    podNamespace: pod.metadata.namespace ?? '',
    podName: pod.metadata.name,
    containerName: container.name,
    attempt,
    image: container.image ?? '',
    hostname,
    command: words.map((word) => expand(word, input.environment)),
    environment,
    workingDir: container.workingDir || '/',
    mounts: containerMounts(container, input.volumes),
    etcFiles: {
      hosts: hostsFile(pod, input.podIp),
      hostname: `${hostname}\n`,
      ...(input.resolvConf === undefined ? {} : { 'resolv.conf': input.resolvConf }),
    },
    terminationMessagePath: container.terminationMessagePath || DEFAULT_MESSAGE_PATH,
    terminationMessageFromLog: container.terminationMessagePolicy === 'FallbackToLogsOnError',
    security,
  };
}

function containerMounts(container: Container, volumes: ReadonlyMap<string, PodVolume>): ContainerMount[] {
  const [device] = container.volumeDevices ?? [];
  if (device)
    throw new Error(
      `volume ${JSON.stringify(device.name)}: block volumes in pods are not supported by this node yet`,
    );
  return (container.volumeMounts ?? []).map((mount): ContainerMount => {
    const volume = volumes.get(mount.name);
    if (!volume)
      throw new Error(
        `cannot find volume ${JSON.stringify(mount.name)} to mount into container ${JSON.stringify(container.name)}`,
      );
    if (mount.subPath || mount.subPathExpr)
      throw new Error(`volumeMount ${JSON.stringify(mount.name)}: subPath is not supported by this node yet`);
    if (mount.mountPropagation === 'Bidirectional')
      throw new Error(
        `volumeMount ${JSON.stringify(mount.name)}: mountPropagation Bidirectional is not supported by this node yet`,
      );
    const containerPath = mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`;
    return {
      hostPath: volume.hostPath,
      containerPath: containerPath.length > 1 ? trimEndOf(containerPath, '/') : containerPath,
      readOnly: volume.readOnly || (mount.readOnly ?? false),
      propagation: mount.mountPropagation === 'HostToContainer' ? 'HostToContainer' : 'None',
    };
  });
}
