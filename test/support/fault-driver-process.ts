// A small CSI driver in a process of its own, whose calls fail as a file tells it to: fault-driver-process.ts DIRECTORY.
// A volume is a directory, staged and published by bind mounts. It keeps nothing in memory, so it can die at any moment.
import { appendFile, mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger, systemClock } from '../../src/base/index.ts';
import { Code, type CodeName, CsiStatus, serveCsi } from '../../src/csi/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import type { Fault } from './fault-driver.ts';

const directory = process.argv[2]!;
const host = createLinuxHost({ clock: systemClock });
const isMounted = async (path: string) => (await host.mounts.list()).some(({ target }) => target === path);
const volumePath = (id: string) => join(directory, 'volumes', id);

/** Does a call's work, and what the test wants to go wrong with it. */
async function call(method: string, id: string, work: () => Promise<void>): Promise<void> {
  await appendFile(join(directory, 'calls'), `${method} ${id}\n`);
  const faults = JSON.parse(await readFile(join(directory, 'faults.json'), 'utf8')) as Record<string, Fault>;
  const fault = faults[method];
  if (fault && fault !== 'die') throw new CsiStatus(Code[fault.code as CodeName], fault.details);
  await work();
  // The work is done, the answer is not given: the worst moment.
  if (fault === 'die') process.kill(process.pid, 'SIGKILL');
}

async function bind(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  if (!(await isMounted(target))) await host.mounts.mount({ source, target, options: ['bind'] });
}

async function unbind(target: string): Promise<void> {
  if (await isMounted(target)) await host.mounts.unmount(target);
}

await mkdir(join(directory, 'volumes'), { recursive: true });
await serveCsi({
  endpoint: `unix://${join(directory, 'csi.sock')}`,
  clock: systemClock,
  log: silentLogger,
  identity: { name: 'faults.csi.example.com', vendorVersion: '1' },
  controller: {
    async createVolume({ name, capacityRange }) {
      await call('CreateVolume', name, async () => {
        await mkdir(volumePath(name), { recursive: true });
      });
      return { volume: { volumeId: name, capacityBytes: capacityRange?.requiredBytes ?? 0n } };
    },
    async deleteVolume({ volumeId }) {
      await call('DeleteVolume', volumeId, () => rm(volumePath(volumeId), { recursive: true, force: true }));
      return {};
    },
    async controllerPublishVolume({ volumeId }) {
      await call('ControllerPublishVolume', volumeId, async () => undefined);
      return {};
    },
    async controllerUnpublishVolume({ volumeId }) {
      await call('ControllerUnpublishVolume', volumeId, async () => undefined);
      return {};
    },
  },
  node: {
    async nodeStageVolume({ volumeId, stagingTargetPath }) {
      await call('NodeStageVolume', volumeId, () => bind(volumePath(volumeId), stagingTargetPath));
      return {};
    },
    async nodeUnstageVolume({ volumeId, stagingTargetPath }) {
      await call('NodeUnstageVolume', volumeId, () => unbind(stagingTargetPath));
      return {};
    },
    async nodePublishVolume({ volumeId, stagingTargetPath, targetPath }) {
      await call('NodePublishVolume', volumeId, () => bind(stagingTargetPath, targetPath));
      return {};
    },
    async nodeUnpublishVolume({ volumeId, targetPath }) {
      await call('NodeUnpublishVolume', volumeId, async () => {
        await unbind(targetPath);
        await rmdir(targetPath).catch(() => undefined);
      });
      return {};
    },
    nodeGetInfo: () => ({ nodeId: 'node-1' }),
  },
});
process.stdout.write('ready\n');
