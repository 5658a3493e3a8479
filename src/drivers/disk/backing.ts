import type { FileStat, Files } from '../../host/index.ts';

/** What a volume's data is kept in. */
export interface Backing {
  /** Makes an empty one of so many bytes, or grows one; durable on return, its name not yet. */
  make(path: string, sizeBytes: bigint): Promise<void>;
  /** Why what is at a volume's path is not what it must be; undefined when it is. */
  fault(stat: FileStat, sizeBytes: bigint): string | undefined;
  /** Makes a copy of another one that is its own from then on, of at least so many bytes; durable on return, its name not yet. */
  copy(from: string, to: string, sizeBytes: bigint): Promise<void>;
  /** Removes it with its data. Not there is fine. */
  remove(path: string): Promise<void>;
}

/** A sparse file as large as the volume, for a loop device. */
export function imageFiles(files: Files): Backing {
  return {
    make: (path, sizeBytes) => files.allocate(path, sizeBytes),
    fault(stat, sizeBytes) {
      if (stat.kind !== 'file') return `is a ${stat.kind}, not a file`;
      const isCutOff = stat.sizeBytes < Number(sizeBytes);
      return isCutOff ? `has ${stat.sizeBytes} bytes, the volume ${sizeBytes}` : undefined;
    },
    async copy(from, to, sizeBytes) {
      await files.clone(from, to);
      await files.allocate(to, sizeBytes);
    },
    remove: (path) => files.removeFile(path),
  };
}

/** A directory, where there are no loop devices. Nothing holds it to the volume's size. */
export function directories(files: Files): Backing {
  return {
    make: (path) => files.makeDirectory(path, 0o755),
    fault: ({ kind }) => (kind === 'directory' ? undefined : `is a ${kind}, not a directory`),
    async copy() {
      throw new Error('directories cannot be copied at once');
    },
    async remove(path) {
      if ((await files.stat(path))?.kind === 'directory') await files.removeTree(path);
      else await files.removeFile(path);
    },
  };
}
