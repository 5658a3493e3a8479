import { join } from 'node:path';
import type { Host } from '../host/index.ts';
import { mountsOfNodes } from './node-processes/namespaces.ts';

/** A directory that is mounted: of an image, for a pod that has it as a volume. */
const IMAGE_ROOT = /\/sha256-([a-f0-9]{64})\/root$/;

/**
 * The ids of the images in which containers of a data directory run, or have run and not been removed yet, and of those
 * that are mounted as volumes.
 */
export async function imagesInUse(host: Host, dataDirectory: string): Promise<Set<string>> {
  const { files, mounts } = host;
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
  for (const { root } of [...(await mounts.list()), ...(await mountsOfNodes(host, dataDirectory))]) {
    const digest = IMAGE_ROOT.exec(root)?.[1];
    if (digest !== undefined) inUse.add(`sha256:${digest}`);
  }
  return inUse;
}
