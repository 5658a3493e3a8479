import type { CsiClient } from '../../csi/index.ts';

/** Volume id to the ids of the nodes it is published to, page by page from ListVolumes. */
export async function publishedVolumes(
  driver: CsiClient,
  options: { maxEntries: number; timeoutMs: number; signal: AbortSignal },
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { maxEntries, timeoutMs, signal } = options;
  const published = new Map<string, readonly string[]>();
  let startingToken = '';
  do {
    const page = await driver.controller.listVolumes({ startingToken, maxEntries }, { timeoutMs, signal });
    for (const { volume, status } of page.entries) {
      if (volume && status) published.set(volume.volumeId, status.publishedNodeIds);
    }
    startingToken = page.nextToken;
  } while (startingToken !== '');
  return published;
}
