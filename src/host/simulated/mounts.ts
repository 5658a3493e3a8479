import type { Disks, LoopDevices, Mounts } from '../host.ts';
import { systemError } from './inode.ts';
import type { Grant, Machine, SimLoop } from './machine.ts';

/** The file system type of network storage; the source is the volume's id. */
export const NETWORK_FS = 'netfs';

function grantOf({ name, network }: Machine, volumeId: string): Grant {
  if (!network?.reachable()) throw systemError('EHOSTUNREACH', 'mount', volumeId);
  const grant = network.storage.get(volumeId)?.grants.get(name);
  if (!grant) throw systemError('EACCES', 'mount', volumeId);
  return grant;
}

/** The mount calls of a machine. */
export function machineMounts(machine: Machine): Mounts {
  return {
    async list() {
      return machine.mounts().map((mount) => machine.mountEntry(mount));
    },
    async mount({ source, target, fsType, options = [] }) {
      const at = machine.lookup(target);
      if (!at) throw systemError('ENOENT', 'mount', target);
      const readOnly = options.includes('ro');
      const flags = [readOnly ? 'ro' : 'rw', 'relatime'];
      if (options.includes('remount')) {
        const mount = machine.topMount(at.path);
        if (!mount) throw systemError('EINVAL', 'mount -o remount', target);
        mount.options = flags;
        return;
      }
      if (options.includes('bind')) {
        const from = machine.reach(source, 'mount --bind');
        if (!from) throw systemError('ENOENT', 'mount --bind', source);
        if ((from.node.kind === 'directory') !== (at.node.kind === 'directory'))
          throw systemError('ENOTDIR', 'mount --bind', target);
        const { fileSystem } = from.node;
        const origin = machine.mounts().findLast((mount) => mount.fileSystem === fileSystem);
        machine.mount({
          target: at.path,
          source: origin?.source ?? source,
          sourceRoot: from.node === fileSystem.root ? '/' : from.node.birthPath.replace(/^\/dev/, ''),
          fsType: fileSystem.type,
          options: flags,
          fileSystem,
          root: from.node,
          grant: from.mount?.grant,
        });
        return;
      }
      if (at.node.kind !== 'directory') throw systemError('ENOTDIR', 'mount', target);
      if (fsType === NETWORK_FS) {
        const grant = grantOf(machine, source);
        const { fileSystem } = machine.network!.storage.get(source)!;
        const options = [readOnly || grant.readOnly ? 'ro' : 'rw', 'relatime'];
        const { root } = fileSystem;
        machine.mount({ target: at.path, source, sourceRoot: '/', fsType, options, fileSystem, root, grant });
        return;
      }
      if (fsType === 'tmpfs') {
        const fileSystem = machine.newFileSystem('tmpfs', '', true);
        // A number of its own: by it mounts of one file system are told from those of another.
        fileSystem.device = `1:${fileSystem.root.number}`;
        machine.mount({
          target: at.path,
          source,
          sourceRoot: '/',
          fsType,
          options: flags,
          fileSystem,
          root: fileSystem.root,
        });
        return;
      }
      const loop = machine.loop(source);
      if (!loop) throw systemError('ENXIO', 'mount', source);
      const fileSystem = loop.image.formatted;
      if (!fileSystem || fileSystem.type !== fsType)
        throw systemError('EINVAL', 'mount: wrong fs type', source);
      fileSystem.device = loop.number;
      machine.mount({
        target: at.path,
        source,
        sourceRoot: '/',
        fsType: fileSystem.type,
        options: flags,
        fileSystem,
        root: fileSystem.root,
      });
    },
    async unmount(target) {
      machine.unmount(target);
      machine.forgetFrozen();
    },
    // What is written is on the device at once.
    async sync() {},
    async freeze(target) {
      const { fileSystem } = machine.topMount(target) ?? {};
      if (!fileSystem) throw systemError('EINVAL', 'freeze', target);
      if (machine.frozen.has(fileSystem)) throw systemError('EBUSY', 'freeze', target);
      machine.frozen.add(fileSystem);
    },
    async thaw(target) {
      const { fileSystem } = machine.topMount(target) ?? {};
      if (fileSystem) machine.frozen.delete(fileSystem);
    },
    async isMountPoint(target) {
      return machine.topMount(target) !== undefined;
    },
  };
}

export function machineLoops(machine: Machine): LoopDevices {
  return {
    async list() {
      return machine.loops().map((loop) => machine.loopDevice(loop));
    },
    async get(device) {
      const loop = machine.loops().find((each) => each.device === device);
      return loop && machine.loopDevice(loop);
    },
    async attach(file, options = {}) {
      return machine.attachLoop(file, options.readOnly ?? false);
    },
    async detach(device) {
      machine.detachLoop(device);
    },
    async refresh() {},
  };
}

export function machineDisks(machine: Machine): Disks {
  const loopOf = (device: string): SimLoop => {
    const loop = machine.loop(device);
    if (!loop) throw systemError('ENXIO', 'open', device);
    return loop;
  };
  return {
    async signature(device) {
      const type = loopOf(device).image.formatted?.type;
      return type === undefined ? undefined : { type };
    },
    async format(device, fsType) {
      const { image, number } = loopOf(device);
      image.formatted = machine.newFileSystem(fsType, number);
    },
    async check(device) {
      loopOf(device);
      return 'clean';
    },
    async sizeBytes(device) {
      return BigInt(loopOf(device).image.sizeBytes);
    },
    async isInUse(device) {
      const loop = machine.loop(device);
      return (
        loop !== undefined && machine.mounts().some(({ fileSystem }) => fileSystem.device === loop.number)
      );
    },
    async flush(device) {
      loopOf(device);
    },
    async grow() {},
    growUnmounted: async () => true,
  };
}
