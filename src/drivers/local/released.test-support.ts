import assert from 'node:assert/strict';
import type { Client } from '../../client/index.ts';
import { persistentVolumes } from '../../kube/index.ts';
import { type DeleterOptions, deleteReleased } from './deleter.ts';
import { discover } from './discoverer.ts';
import type { Entry, Scene } from './test-support.ts';

export const mount: Entry = { is: 'mount', sizeBytes: 1n << 30n };
export const block: Entry = { is: 'block', sizeBytes: 1n << 30n };
export const DIR1 = '/discoveryPath/dir1';
export const DIR2 = '/discoveryPath/dir2';
export const MOUNT1 = 'local-pv-aaaafef5';
export const DISK1 = 'local-pv-55d5adba';
export const MOUNT = {
  [`${DIR1}/mount1`]: mount,
  [`${DIR1}/mount1/data`]: { is: 'file' },
  [`${DIR1}/mount1/lost+found`]: { is: 'directory' },
  [DIR2]: { is: 'directory' },
} as const;
export const DISK = { [DIR1]: { is: 'directory' }, [`${DIR2}/symlink1`]: block } as const;

export const options: DeleterOptions = {
  jobNamespace: 'default',
  jobImage: 'cleaner:1',
  retry: { initialMs: 0, maxMs: 0 },
  signal: new AbortController().signal,
  again: () => {},
};

/** Discovers, and gives back all that was found, as the PV controller does. */
export async function released(s: Scene, more: object = {}): Promise<void> {
  assert.deepEqual(await discover(await s.round()), []);
  for (const { metadata } of await s.volumes()) await setPhase(s, metadata.name, 'Released', more);
}

export async function setPhase(
  { client }: Scene,
  name: string,
  phase: string,
  more: object = {},
): Promise<void> {
  const status = { type: 'merge', body: { status: { phase } } } as const;
  if (Object.keys(more).length > 0)
    await client.patch(persistentVolumes, { name }, { type: 'merge', body: { spec: more } });
  await client.patch(persistentVolumes, { name }, status, { subresource: 'status' });
}

export async function step(s: Scene, more: Partial<DeleterOptions> = {}, client?: Client): Promise<void> {
  await deleteReleased(await s.round(client), { ...options, ...more });
  await s.processes.settled();
}
