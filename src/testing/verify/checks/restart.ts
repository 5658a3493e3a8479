import { waitForDriver } from '../../../csi/index.ts';
import { type Check, checksOf } from '../check.ts';
import type { Scene } from '../scene.ts';
import { demandText, writeInto } from './files.ts';

/** How long the driver may take to be there again. */
const RESTART_LIMIT_MS = 60_000;

export const restartChecks: readonly Check[] = checksOf(
  'Supervised Lifecycle Management',
  ['restart command', 'Controller CREATE_DELETE_VOLUME'],
  [
    [
      'volumes',
      'A driver that is started again knows its volumes',
      async (scene) => {
        const request = await scene.volumeRequest();
        const { volume: before } = await scene.prepare(scene.csi.controller.createVolume(request));
        await restart(scene);
        const says = 'CreateVolume is idempotent by name, whatever happens to the process in between';
        const { volume } = await scene.answers(scene.csi.controller.createVolume(request), says);
        scene.demand(
          volume?.volumeId === before?.volumeId,
          `${says}; it was ${JSON.stringify(before?.volumeId)} before`,
          'keep in the storage what must be known after a restart',
        );
      },
    ],
    [
      'published',
      'A volume that is published stays so, and can be unpublished by the new process',
      async (scene) => {
        const volume = await scene.volume();
        const placed = await scene.place(volume);
        const path = await scene.mount(placed);
        await writeInto(scene, path, 'kept');
        await restart(scene);
        await demandText(scene, path, 'kept', 'the published volume');
        await scene.answers(
          scene.csi.node.nodeUnpublishVolume({ volumeId: volume.volumeId, targetPath: path }),
          'what one process of the driver has published another can unpublish',
          'find out from the machine what is published, not from memory',
        );
      },
      ['node', 'file system access'],
    ],
  ],
);

async function restart(scene: Scene): Promise<void> {
  const { host, clock, restartCommand } = scene.options;
  const seconds = RESTART_LIMIT_MS / 1000;
  const limit = new AbortController();
  const timer = clock.after(RESTART_LIMIT_MS, () =>
    limit.abort(new Error(`the driver was not there again after ${seconds} s`)),
  );
  try {
    // Noted before the command runs: afterwards a new connection may be there already.
    const lost = scene.csi.lost(limit.signal);
    const { exitCode, stderr } = await host.processes.exec('sh', ['-c', restartCommand!], {
      timeoutMs: RESTART_LIMIT_MS,
    });
    if (exitCode !== 0) throw new Error(`--restart-command ended with ${exitCode}: ${stderr.trim()}`);
    await lost;
    if (limit.signal.aborted) throw new Error('--restart-command did not end the driver');
    await waitForDriver(scene.csi, { clock, signal: limit.signal });
  } catch (error) {
    if (error !== limit.signal.reason) throw error;
    throw scene.violation(
      `a driver that is restarted serves again within ${seconds} s`,
      'remove a stale socket before listening',
    );
  } finally {
    timer.cancel();
  }
}
