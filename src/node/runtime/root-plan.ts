import type { ContainerMount } from './contract.ts';
import { fstabField } from './quote.ts';

/** How the host's root becomes a container's: under an overlay, or its directories bound read-only. */
export type RootMode = 'overlay' | 'bind';

/** What the host has at its top. */
export interface TopEntry {
  readonly name: string;
  readonly kind: 'directory' | 'symlink';
}

/** Directories that a container has of its own. */
const OWN = ['dev', 'proc', 'sys', 'tmp', 'run', 'mnt'];

const line = (source: string, target: string, type: string, options: string) =>
  `${fstabField(source)} ${fstabField(target)} ${type} ${options} 0 0\n`;

/**
 * The mount table (fstab(5)) that makes a root file system at `root`/rootfs, where `root` is a tmpfs filled from the
 * base directory. The overlay's layers are named relative to `root`, the working directory then.
 * `mounts`: other file systems of the host below its root that a program may need (/usr …): an overlay sees the root's
 * alone.
 */
export function rootTable(
  root: string,
  mode: RootMode,
  top: readonly TopEntry[],
  mounts: readonly string[],
): string {
  const rootfs = `${root}/rootfs`;
  const own = (name: string) => line(`${root}/${name}`, `${rootfs}/${name}`, 'none', 'bind');
  const directories = top.filter((entry) => entry.kind === 'directory' && !OWN.includes(entry.name));
  const host =
    mode === 'overlay'
      ? line('overlay', rootfs, 'overlay', 'lowerdir=/,upperdir=upper,workdir=work') +
        mounts.map((path) => line(path, rootfs + path, 'none', 'bind,ro,private')).join('')
      : directories
          .map(({ name }) => line(`/${name}`, `${rootfs}/${name}`, 'none', 'rbind,ro,rprivate,X-mount.mkdir'))
          .join('');
  return (
    host +
    (mode === 'overlay' ? own('tmp') + own('run') + own('dev') : '') +
    line('proc', `${rootfs}/proc`, 'proc', 'nosuid,nodev,noexec') +
    line('sysfs', `${rootfs}/sys`, 'sysfs', 'ro,nosuid,nodev,noexec') +
    line('devpts', `${rootfs}/dev/pts`, 'devpts', 'newinstance,ptmxmode=0666,mode=0620,gid=5,nosuid,noexec') +
    line('shm', `${rootfs}/dev/shm`, 'tmpfs', 'size=65536k,nosuid,nodev,noexec') +
    line('mqueue', `${rootfs}/dev/mqueue`, 'mqueue', 'nosuid,nodev,noexec')
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
 * The mount table of a container's volumes, read in its root while the host's is at /mnt. Outer mounts come first.
 * `hostPath`s hold no links; what is bound over a file (`isFile`) finds one there.
 */
export function volumeTable(mounts: readonly (ContainerMount & { readonly isFile?: boolean })[]): string {
  const depth = (mount: ContainerMount) => mount.containerPath.split('/').filter(Boolean).length;
  return [...mounts]
    .sort((a, b) => depth(a) - depth(b))
    .map(({ hostPath, containerPath, readOnly, propagation, isFile }) => {
      const options = ['rbind', propagation === 'HostToContainer' ? 'rslave' : 'rprivate'];
      if (!isFile) options.push('X-mount.mkdir');
      if (readOnly) options.push('ro');
      return line(`/mnt${hostPath}`, containerPath, 'none', options.join(','));
    })
    .join('');
}
