import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../base/index.ts';
import { clock, host } from '../shared/test-support.ts';
import { pendingUploads } from './pending-uploads.ts';
import { mountsBelow, processesOf, type TestDriver } from './test-support.ts';

/** Resolves once a process is gone. */
export async function untilGone(pid: number): Promise<void> {
  while (await host.processes.find(pid)) await sleep(clock, 5);
}

/** Resolves once an object is in the bucket: rclone uploads after close(2). */
export async function untilUploaded(driver: TestDriver, bucket: string, key: string): Promise<void> {
  while ((await driver.store.s3.read(bucket, key)) === undefined) await sleep(clock, 5);
}

/** Resolves once the client has nothing to upload, and has noted so. */
export async function untilSettled(driver: TestDriver): Promise<void> {
  for (const name of readdirSync(driver.stateDir).filter((entry) => entry.endsWith('.files')))
    while ((await pendingUploads(host.files, join(driver.stateDir, name, 'vfsMeta'))) > 0)
      await sleep(clock, 5);
}

export async function killClient(driver: TestDriver): Promise<void> {
  const [pid] = processesOf(driver.stateDir);
  process.kill(pid!, 'SIGKILL');
  await untilGone(pid!);
}

export function nothingMounted(driver: TestDriver): void {
  assert.deepEqual(mountsBelow(driver.directory), []);
  assert.deepEqual(readdirSync(driver.stateDir), []);
}
