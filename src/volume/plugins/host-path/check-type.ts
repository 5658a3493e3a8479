import type { FileStat, Files } from '../../../host/index.ts';
import { fileKind } from '../file-kind.ts';

type Kind = FileStat['kind'];

const DIRECTORY_MODE = 0o755;

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
 * Checks that a host path is what the volume says it is, making it where the type asks for that. Follows links. Without a
 * type it may be anything; where there is nothing, upstream's container runtimes make a directory of it.
 * @throws Error with upstream's text. Source: checkType, pkg/volume/hostpath.
 */
export async function checkHostPathType(files: Files, path: string, type: string): Promise<void> {
  if (type === '') {
    if ((await fileKind(files, path)) === undefined) await files.makeDirectory(path, DIRECTORY_MODE);
    return;
  }
  const wanted = TYPES[type];
  if (!wanted) throw new Error(`${type} is an invalid volume type`);
  let kind = await fileKind(files, path);
  if (kind === undefined && wanted.make) {
    if (wanted.make === 'directory') await files.makeDirectory(path, DIRECTORY_MODE);
    else await files.writeAtomic(path, '', 0o644);
    kind = wanted.kind;
  }
  if (kind !== wanted.kind) throw new Error(`hostPath type check failed: ${path} is not ${wanted.what}`);
}
