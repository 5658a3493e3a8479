import type { Machine } from '../host/simulated/index.ts';
import type { SeenMount, SimContainer } from './node/containers.ts';
import type { Violation } from './violation.ts';

/** What pods have written to a volume, oldest first. */
const DATA_FILE = '.data';

export interface WrittenDataOptions {
  machine(node: string): Machine;
  violated(violation: Violation): void;
}

/** Has every container write to its volumes, and look for what was written there before. */
export class WrittenData {
  readonly #options: WrittenDataOptions;
  /** By PV name, and by the id of a snapshot: what the next pod must read. */
  readonly #written = new Map<string, string>();

  constructor(options: WrittenDataOptions) {
    this.#options = options;
  }

  started(container: SimContainer): void {
    for (const mount of container.mounts) {
      const volume = volumeOf(mount.hostPath);
      if (volume === undefined) continue;
      if (mount.node.fileSystem.device === '8:1' && mount.hostPath.includes('kubernetes.io~csi'))
        this.#options.violated({
          rule: 'a pod runs on its volume',
          detail: `${container.podName} sees the host below ${mount.hostPath}`,
        });
      if (!this.#answers(container, mount)) continue;
      const found = mount.node.entries.get(DATA_FILE)?.content ?? '';
      const expected = this.#written.get(volume) ?? '';
      if (found !== expected)
        this.#options.violated({
          rule: 'what a pod wrote, the next pod reads',
          detail: `${volume} holds ${JSON.stringify(found)}, ${JSON.stringify(expected)} was written`,
        });
      this.#append(container, mount, volume, `+${container.podUid.slice(0, 8)}`);
    }
  }

  exits(container: SimContainer): void {
    for (const mount of container.mounts) {
      const volume = volumeOf(mount.hostPath);
      if (volume !== undefined && this.#answers(container, mount))
        this.#append(container, mount, volume, '-');
    }
  }

  /** Somebody was told to take all data away: the next pod must find none. */
  scrubbed(container: SimContainer): void {
    for (const { hostPath } of container.mounts) this.#written.delete(volumeOf(hostPath) ?? '');
  }

  /** A volume or a snapshot holds now what another holds. */
  copied(from: string, to: string): void {
    const data = this.#written.get(from);
    if (data === undefined) this.#written.delete(to);
    else this.#written.set(to, data);
  }

  /** A share that was taken away, or that is out of reach, can be neither read nor written. */
  #answers({ nodeName }: SimContainer, { grant }: SeenMount): boolean {
    return grant === undefined || (grant.open && this.#options.machine(nodeName).network!.reachable());
  }

  #append({ nodeName }: SimContainer, mount: SeenMount, volume: string, text: string): void {
    if (mount.readOnly) return;
    const { node } = mount;
    let file = node.entries.get(DATA_FILE);
    if (!file) {
      file = this.#options.machine(nodeName).inode('file', node.fileSystem, `/${DATA_FILE}`, 0o644);
      node.entries.set(DATA_FILE, file);
    }
    file.content += text;
    this.#written.set(volume, (this.#written.get(volume) ?? '') + text);
  }
}

/** The PV whose mount a path in a pod's directory is. */
function volumeOf(hostPath: string): string | undefined {
  const csi = /\/volumes\/kubernetes\.io~csi\/([^/]+)\/mount$/.exec(hostPath)?.[1];
  const device = /\/csi\/volumeDevices\/publish\/([^/]+)\/[^/]+$/.exec(hostPath)?.[1];
  const flex = /\/volumes\/sim~(?:disk|share)\/([^/]+)$/.exec(hostPath)?.[1];
  const local = /\/volumes\/kubernetes\.io~local-volume\/([^/]+)$/.exec(hostPath)?.[1];
  return csi ?? device ?? flex ?? local ?? /^\/static\/([^/]+)$/.exec(hostPath)?.[1];
}
