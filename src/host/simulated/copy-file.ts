import type { FileSystem, Inode } from './inode.ts';
import type { Machine } from './machine.ts';

/** Makes of `to` what `from` is, down to the file system on an image, or what is written to it as it is. */
export function copyFile(machine: Machine, from: Inode, to: Inode): void {
  to.content = from.content;
  to.sizeBytes = from.sizeBytes;
  copyEntries(machine, from, to);
  if (from.formatted) to.formatted = copyFileSystem(machine, from.formatted);
}

function copyFileSystem(machine: Machine, { type, volatile, root }: FileSystem): FileSystem {
  const copy = machine.newFileSystem(type, '', volatile);
  copyEntries(machine, root, copy.root);
  return copy;
}

function copyEntries(machine: Machine, from: Inode, to: Inode): void {
  const { mode, uid, gid, content, sizeBytes, modifiedAtMs } = from;
  Object.assign(to, { mode, uid, gid, content, sizeBytes, modifiedAtMs });
  for (const [name, entry] of from.entries) {
    const made = machine.inode(entry.kind, to.fileSystem, entry.birthPath, entry.mode);
    const { target } = entry;
    const copy = target === undefined ? made : { ...made, target };
    copyEntries(machine, entry, copy);
    to.entries.set(name, copy);
  }
}
