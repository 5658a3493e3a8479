import type { FileStat, Files } from '../../../host/index.ts';
import { fileKind } from '../file-kind.ts';

type Kind = FileStat['kind'];

/** What each hostPath type asks for: the kind of file, and what to make if nothing is there. */
const TYPES: Readonly<Record<string, { kind: Kind; what: string; make?: 'directory' | 'file' }>> = {
  DirectoryOrCreate: { kind: 'directory', what: 'a directory', make: 'directory' },
  Directory: { kind: 'directory', what: 'a directory' },
  FileOrCreate: { kind: 'file', what: 'a file', make: 'file' },
  File: { kind: 'file', what: 'a file' },
  Socket: { kind: 'socket', what: 'a socket file' },
  CharDevice: { kind: 'character', what: 'a character device' },
  BlockDevice: { kind: 'block', what: 'a block device' },
};

/**
 * Checks that a host path is what the volume says it is, making it where the type asks for that. Follows links.
 * @throws Error with upstream's text. Source: checkType, pkg/volume/hostpath.
 */
export async function checkHostPathType(files: Files, path: string, type: string): Promise<void> {
  if (type === '') return;
  const wanted = TYPES[type];
  if (!wanted) throw new Error(`${type} is an invalid volume type`);
  let kind = await fileKind(files, path);
  if (kind === undefined && wanted.make) {
    if (wanted.make === 'directory') await files.makeDirectory(path, 0o755);
    else await files.writeAtomic(path, '', 0o644);
    kind = wanted.kind;
  }
  if (kind !== wanted.kind) throw new Error(`hostPath type check failed: ${path} is not ${wanted.what}`);
}
