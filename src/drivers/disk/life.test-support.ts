import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CsiClient, csi } from '../../csi/index.ts';
import {
  type blockCapability,
  loopsBelow,
  mountCapability,
  mountsBelow,
  type TestDriver,
} from './test-support.ts';

export const MIB = 1n << 20n;
export const Mode = csi.VolumeCapability_AccessMode_Mode;

export type Capability = ReturnType<typeof mountCapability> | ReturnType<typeof blockCapability>;

/** The calls of one volume's life, in their order, each with the arguments that a caller repeats. */
export function lifeOf(driver: TestDriver, name = 'pvc-1', volumeCapability: Capability = mountCapability()) {
  const volumeId = name;
  const stagingTargetPath = join(driver.directory, `staging-${name}`);
  const target = (pod: string) => join(driver.directory, `${pod}-${name}`);
  const controller = () => driver.n1.controller;
  const node = () => driver.n1.node;
  return {
    volumeId,
    stagingTargetPath,
    target,
    create: () =>
      controller().createVolume({
        name,
        capacityRange: { requiredBytes: 16n * MIB },
        volumeCapabilities: [volumeCapability],
      }),
    controllerPublish: (nodeId = 'n1', readonly = false) =>
      controller().controllerPublishVolume({ volumeId, nodeId, readonly, volumeCapability }),
    stage: (client: CsiClient = driver.n1, capability = volumeCapability) =>
      client.node.nodeStageVolume({ volumeId, stagingTargetPath, volumeCapability: capability }),
    publish: (pod = 'pod', readonly = false, capability = volumeCapability) =>
      node().nodePublishVolume({
        volumeId,
        stagingTargetPath,
        targetPath: target(pod),
        volumeCapability: capability,
        readonly,
      }),
    unpublish: (pod = 'pod') => node().nodeUnpublishVolume({ volumeId, targetPath: target(pod) }),
    unstage: (client: CsiClient = driver.n1) =>
      client.node.nodeUnstageVolume({ volumeId, stagingTargetPath }),
    controllerUnpublish: (nodeId = 'n1') => controller().controllerUnpublishVolume({ volumeId, nodeId }),
    delete: () => controller().deleteVolume({ volumeId }),
  };
}

export type Life = ReturnType<typeof lifeOf>;

export async function toMounted(life: Life): Promise<void> {
  await life.create();
  await life.controllerPublish();
  await life.stage();
  await life.publish();
}

export async function toNothing(life: Life): Promise<void> {
  await life.unpublish();
  await life.unstage();
  await life.controllerUnpublish();
  await life.delete();
}

export function nothingLeft(driver: TestDriver): void {
  assert.deepEqual(readdirSync(driver.pool), []);
  assert.deepEqual(loopsBelow(driver.directory), []);
  assert.deepEqual(mountsBelow(driver.directory), []);
}
