import type { TestContext } from 'node:test';
import { snapshotCrds } from '../../apiserver/crd/snapshots/index.ts';
import { systemClock } from '../../base/index.ts';
import { waitUntil } from '../../client/index.ts';
import {
  type CustomResourceDefinition,
  customResourceDefinitions,
  events,
  persistentVolumeClaims,
  persistentVolumes,
  volumeGroupSnapshotContents,
  volumeGroupSnapshots,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../kube/index.ts';
import {
  type ComponentStack,
  type ComponentStackOptions,
  startStack,
} from '../../testing/component-stack.ts';

/** An API server in memory that has the kinds of snapshots. */
export async function startSnapshotStack(
  test: TestContext,
  wrap?: ComponentStackOptions['wrap'],
): Promise<ComponentStack> {
  const stack = await startStack(test, { watch: [], wrap });
  for (const crd of snapshotCrds)
    await stack.client.create(customResourceDefinitions, crd as unknown as CustomResourceDefinition);
  const { informers } = stack.context;
  const watched = [
    volumeSnapshots,
    volumeSnapshotContents,
    volumeGroupSnapshots,
    volumeGroupSnapshotContents,
    persistentVolumeClaims,
    persistentVolumes,
    events,
  ].map((resource) => informers.of(resource as never));
  return { ...stack, until: (what, look) => waitUntilIn(watched as never, what, look) };
}

function waitUntilIn<R>(
  watched: Parameters<typeof waitUntil>[0],
  what: string,
  look: () => R | undefined | false,
): Promise<R> {
  return waitUntil(watched, look, { clock: systemClock, limitMs: 60_000, what });
}
