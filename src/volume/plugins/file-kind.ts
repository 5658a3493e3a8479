import type { FileStat, Files } from '../../host/index.ts';

/** What lies at a path, every link followed; undefined when nothing does. */
export async function fileKind(
  files: Pick<Files, 'realPath' | 'stat'>,
  path: string,
): Promise<FileStat['kind'] | undefined> {
  try {
    return (await files.stat(await files.realPath(path)))?.kind;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
