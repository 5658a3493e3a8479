import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Host } from '../../host/index.ts';
import type { VolumePlugin, VolumeSpec } from '../../volume/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';
import type { DesiredStateOfWorld } from './desired-state-of-world.ts';
import { volumeStatsOfPod } from './volume-stats.ts';

describe('how full the volumes of a pod are', () => {
  const usage = { totalBytes: 100n, freeBytes: 60n, availableBytes: 50n, inodes: 10n, freeInodes: 7n };
  const host = {
    files: {
      statFs: async (path: string) => (path === '/pods/u/file' ? usage : Promise.reject(new Error())),
    },
    disks: {
      sizeBytes: async (path: string) => (path === '/maps/device/u' ? 4096n : Promise.reject(new Error())),
    },
  } as unknown as Host;
  const plugin = {
    mounter: { podPath: (spec: VolumeSpec, uid: string) => `/pods/${uid}/${spec.name}` },
    blockMapper: { globalMapPath: (spec: VolumeSpec) => `/maps/${spec.name}` },
  } as unknown as VolumePlugin;
  const volumes: Record<string, { volumeMode: string; plugin?: VolumePlugin; state?: string }> = {
    file: { volumeMode: 'Filesystem' },
    device: { volumeMode: 'Block' },
    gone: { volumeMode: 'Block' },
    asked: { volumeMode: 'Block', plugin: { ...plugin, stats: async () => ({ capacity: 1, used: 1 }) } },
    secret: { volumeMode: 'Filesystem', plugin: { ...plugin, stats: async () => undefined } },
    coming: { volumeMode: 'Filesystem', state: 'uncertain' },
  };
  const desired = {
    volumeNamesForPod: () => new Map(Object.keys(volumes).map((name) => [`my-${name}`, name])),
  } as unknown as DesiredStateOfWorld;
  const actual = {
    podMount: (podUid: string, name: string) => ({
      podUid,
      state: 'mounted',
      plugin,
      spec: { name, readOnly: false, persistentVolume: { spec: { volumeMode: volumes[name]!.volumeMode } } },
      ...volumes[name],
    }),
  } as unknown as ActualStateOfWorld;

  it('is told by their file system, by the size of their device, or by their plugin; else nothing is', async () => {
    const stats = await volumeStatsOfPod(host, desired, actual, 'u', new AbortController().signal);
    assert.deepEqual(Object.fromEntries(stats), {
      'my-file': { capacity: 100, available: 50, used: 40, inodes: 10, inodesFree: 7, inodesUsed: 3 },
      'my-device': { capacity: 4096 },
      'my-asked': { capacity: 1, used: 1 },
    });
  });
});
