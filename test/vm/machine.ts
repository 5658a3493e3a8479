import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type ArchiveEntry, cpioArchive } from './cpio.ts';
import { moduleFiles } from './modules.ts';

/** Modules that lead from the kernel's first root file system to this machine's. */
const MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_console'];
/** Administration tools live in sbin, which a user's PATH may lack. */
const TOOL_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/lib/systemd'];

export interface Kernel {
  readonly image: string;
  readonly modules: string;
}

/** Where a tool is; undefined when it is nowhere. */
export function findTool(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...TOOL_DIRECTORIES];
  return directories.map((directory) => join(directory, name)).find((path) => can(path, constants.X_OK));
}

/** Whether an unchanged kernel can run on this machine's processor: /dev/kvm may be there without that. */
export function hasKvm(): boolean {
  const flags = /^flags\s*:.*\b(vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  return flags && can('/dev/kvm', constants.R_OK | constants.W_OK);
}

function can(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** The newest kernel of this machine that has its modules. */
export function findKernel(): Kernel | undefined {
  const versions = list('/lib/modules').sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return versions
    .map((version) => ({ image: `/boot/vmlinuz-${version}`, modules: `/lib/modules/${version}` }))
    .find(
      ({ image, modules }) => can(image, constants.R_OK) && can(join(modules, 'modules.dep'), constants.R_OK),
    );
}

/** A program that runs where there is no library. */
export function findBusybox(): string | undefined {
  const path = findTool('busybox');
  // What needs a loader names it near its beginning (elf(5), PT_INTERP).
  return path && !readFileSync(path).subarray(0, 4096).includes('/ld-linux') ? path : undefined;
}

/** The first root file system: what mounts this machine's root and goes there. */
export function initramfs(kernel: Kernel, busybox: string): Uint8Array {
  const dependencies = readFileSync(join(kernel.modules, 'modules.dep'), 'utf8');
  const files = moduleFiles(dependencies, MODULES);
  const directory = (name: string): ArchiveEntry => ({ name, kind: 'directory' });
  const file = (name: string, path: string): ArchiveEntry => ({
    name,
    kind: 'file',
    content: readFileSync(path),
  });
  // Their names say the order.
  const modules = files.map((path, index) =>
    file(
      `modules/${String(index).padStart(2, '0')}-${path.replace(/^.*\//, '')}`,
      join(kernel.modules, path),
    ),
  );
  return cpioArchive([
    ...['bin', 'dev', 'proc', 'sys', 'modules', 'lower', 'space', 'root'].map(directory),
    file('bin/busybox', busybox),
    file('init', join(import.meta.dirname, 'init.sh')),
    ...modules,
  ]);
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
