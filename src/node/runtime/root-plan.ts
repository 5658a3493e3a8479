import type { ContainerMount } from './contract.ts';
import { fstabField } from './quote.ts';

/** How the host's root becomes a container's: under an overlay, or its directories bound read-only. */
export type RootMode = 'overlay' | 'bind';

/** What the host has at its top. */
export interface TopEntry {
  readonly name: string;
  readonly kind: 'directory' | 'symlink';
}

/** Directories of the scratch space that stand in place of the host's: nobody's home is a container's business. */
export const OWN_DIRECTORIES: readonly string[] = ['dev', 'tmp', 'run', 'root', 'home'];
/** Directories that a container has of its own. */
const OWN: readonly string[] = [...OWN_DIRECTORIES, 'proc', 'sys'];

/** Whether a path of the host cannot be seen in a container, for something else stands there. */
export function isCovered(path: string): boolean {
  return path === '/' || OWN.includes(path.split('/')[1]!);
}

const line = (source: string, target: string, type: string, options: string) =>
  `${fstabField(source)} ${fstabField(target)} ${type} ${options} 0 0\n`;

const READ_ONLY = 'bind,ro,nodev,private';

/** Group `tty`: whose terminals are. */
const TTY_GROUP = 'gid=5,';

/** What the kernel shows and what devices need, in every root. */
const kernelTable = (rootfs: string, rootless: boolean) =>
  line('proc', `${rootfs}/proc`, 'proc', 'nosuid,nodev,noexec') +
  // A new one is for whom the network namespace belongs to.
  (rootless
    ? line('/sys', `${rootfs}/sys`, 'none', 'rbind,ro,nosuid,nodev,noexec,slave')
    : line('sysfs', `${rootfs}/sys`, 'sysfs', 'ro,nosuid,nodev,noexec')) +
  line(
    'devpts',
    `${rootfs}/dev/pts`,
    'devpts',
    `newinstance,ptmxmode=0666,mode=0620,${rootless ? '' : TTY_GROUP}nosuid,noexec`,
  ) +
  line('shm', `${rootfs}/dev/shm`, 'tmpfs', 'size=65536k,nosuid,nodev,noexec') +
  line('mqueue', `${rootfs}/dev/mqueue`, 'mqueue', 'nosuid,nodev,noexec');

/** Device nodes that every container has (OCI runtime specification, default devices). */
export const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** A user namespace makes no device nodes: the host's are bound over empty files. */
const devicesTable = (rootfs: string) =>
  DEVICES.map((name) => line(`/dev/${name}`, `${rootfs}/dev/${name}`, 'none', 'bind')).join('');

/** The mount table of a container that runs in an image, under an overlay. Only /dev is not the image's. */
export function imageTable(root: string, imageRoot: string, rootless = false): string {
  const rootfs = `${root}/rootfs`;
  return (
    // By a path of ours: what is in the image's would have to be quoted twice over.
    line(imageRoot, `${root}/image`, 'none', READ_ONLY) +
    line(
      'overlay',
      rootfs,
      'overlay',
      `nodev,${rootless ? 'userxattr,' : ''}lowerdir=image,upperdir=upper,workdir=work`,
    ) +
    line(`${root}/dev`, `${rootfs}/dev`, 'none', 'bind') +
    (rootless ? devicesTable(rootfs) : '') +
    kernelTable(rootfs, rootless)
  );
}

/**
 * The mount table (fstab(5)) that makes a root file system at `root`/rootfs, where `root` is a tmpfs filled from the
 * base directory. The overlay's layers are named relative to `root`, the working directory then.
 * `mounts`: other file systems of the host below its root that a program may need (/usr …): an overlay sees the root's
 * alone. Devices open nowhere but in /dev: no device controller keeps containers from the host's.
 */
export function rootTable(
  root: string,
  mode: RootMode,
  top: readonly TopEntry[],
  mounts: readonly string[],
  rootless = false,
): string {
  const rootfs = `${root}/rootfs`;
  const own = (name: string) => line(`${root}/${name}`, `${rootfs}/${name}`, 'none', 'bind');
  const directories = top.filter((entry) => entry.kind === 'directory' && !OWN.includes(entry.name));
  const host =
    mode === 'overlay'
      ? line('overlay', rootfs, 'overlay', 'nodev,lowerdir=/,upperdir=upper,workdir=work')
      : // Only a mount point can become a root.
        line(rootfs, rootfs, 'none', 'bind') +
        // Not with what is mounted below, other pods' volumes among it; but a user namespace may not take off what was
        // mounted outside it. There they are hidden like the rest (enter.pl, concealed).
        directories
          .map(({ name }) =>
            line(`/${name}`, `${rootfs}/${name}`, 'none', `${rootless ? 'r' : ''}${READ_ONLY},X-mount.mkdir`),
          )
          .join('');
  return (
    host +
    mounts.map((path) => line(path, rootfs + path, 'none', READ_ONLY)).join('') +
    (mode === 'overlay' ? OWN_DIRECTORIES.map(own).join('') : '') +
    (rootless ? devicesTable(rootfs) : '') +
    kernelTable(rootfs, rootless)
  );
}

/** Directories of file systems that hold programs and libraries, when they are not on the root's own. */
export function programMounts(
  mounts: readonly { readonly target: string; readonly device: string }[],
): string[] {
  const targets = new Set(mounts.map((mount) => mount.target));
  return ['/usr', '/opt', '/etc', '/bin', '/sbin', '/lib', '/lib64', '/nix', '/usr/local'].filter((path) =>
    targets.has(path),
  );
}

/**
 * A container's volumes for enter.pl, three fields each: what, where in the container, how. Outer mounts come first.
 * `hostPath`s hold no links; what is bound over a file (`isFile`) finds one there.
 */
export function volumeFields(
  mounts: readonly (ContainerMount & { readonly isFile?: boolean })[],
): readonly string[] {
  const depth = (mount: ContainerMount) => mount.containerPath.split('/').filter(Boolean).length;
  return [...mounts]
    .sort((a, b) => depth(a) - depth(b))
    .flatMap(({ hostPath, containerPath, readOnly, recursiveReadOnly, propagation, device, isFile }) => {
      const options = [readOnly ? 'ro' : 'rw'];
      if (readOnly && recursiveReadOnly) options.push('rro');
      if (propagation === 'HostToContainer') options.push('slave');
      if (propagation === 'Bidirectional') options.push('shared');
      if (device) options.push('device');
      if (isFile) options.push('file');
      return [hostPath, containerPath, options.join(',')];
    });
}

/**
 * Fields that each end with a zero byte.
 * @throws Error for a field with one in it: what follows would pass for the next field.
 */
export function records(rows: readonly (readonly string[])[]): string {
  const fields = rows.flat();
  const wrong = fields.find((field) => field.includes('\0'));
  if (wrong !== undefined) throw new Error(`invalid path ${JSON.stringify(wrong)}: it holds a zero byte`);
  return fields.map((field) => `${field}\0`).join('');
}
