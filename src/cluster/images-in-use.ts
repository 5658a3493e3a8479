import { join } from 'node:path';
import type { Files } from '../host/index.ts';

/** The ids of the images in which containers of a data directory run, or have run and not been removed yet. */
export async function imagesInUse(files: Files, dataDirectory: string): Promise<Set<string>> {
  const inUse = new Set<string>();
  const list = (path: string) => files.list(path).catch(() => []);
  const nodes = join(dataDirectory, 'nodes');
  for (const node of await list(nodes)) {
    const containers = join(nodes, node, 'runtime', 'containers');
    for (const id of await list(containers)) {
      const text = await files.read(join(containers, id, 'state.json')).catch(() => '{}');
      const { imageId } = JSON.parse(text) as { imageId?: string };
      if (imageId !== undefined) inUse.add(imageId);
    }
  }
  return inUse;
}
