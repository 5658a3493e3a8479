import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Code, CsiStatus, type NodeService } from '../../../csi/index.ts';
import { secrets } from '../../../kube/index.ts';
import {
  isOperationFinished,
  specFromPersistentVolume,
  TransientOperationFailure,
  UncertainProgressError,
} from '../../index.ts';
import { DRIVER, NO_DEVICE, NODE, start, volume } from './csi.test-support.ts';
import { attachmentName } from './index.ts';

const block = specFromPersistentVolume(
  { ...volume, spec: { ...volume.spec, volumeMode: 'Block' } } as typeof volume,
  true,
);
const refuse = (code: (typeof Code)[keyof typeof Code], what: string) => () => {
  throw new CsiStatus(code, what);
};

async function startBlock(test: TestContext, overrides: Partial<NodeService> = {}) {
  const stack = await start(test, {
    nodePublishVolume: async ({ targetPath }) => {
      await fs.writeFile(targetPath, '');
      return {};
    },
    nodeUnpublishVolume: async ({ targetPath }) => {
      await fs.rm(targetPath, { force: true });
      return {};
    },
    ...overrides,
  });
  const root = join(stack.nodeRoot, 'plugins/kubernetes.io/csi/volumeDevices');
  const below = async () => (await fs.readdir(root, { recursive: true }).catch(() => [])).sort();
  return { ...stack, mapper: stack.node.blockMapper!, root, below };
}

describe('a CSI volume as a device', () => {
  it('says nothing of earlier tries when publishing it fails before the driver is asked', async (test) => {
    const { mapper, root, attach, context } = await startBlock(test);
    await attach({});
    await mapper.prepare!(block);
    await mapper.setUpDevice!(block, NO_DEVICE, context);
    // Where the directory of the pods' devices should be.
    await fs.mkdir(join(root, 'publish'), { recursive: true });
    await fs.writeFile(join(root, 'publish/pv-1'), '');
    await assert.rejects(mapper.mapPodDevice!(block, context), TransientOperationFailure);
  });

  it('is staged and published at the paths of the kubelet, and undone', async (test) => {
    const requests: object[] = [];
    const { mapper, root, below, attach, context, nodeRoot, signal } = await startBlock(test, {
      nodeStageVolume: (request) => {
        requests.push(request);
        return {};
      },
      nodePublishVolume: async (request) => {
        requests.push(request);
        await fs.writeFile(request.targetPath, '');
        return {};
      },
    });
    await attach({ device: '/dev/loop7' });
    assert.equal(mapper.globalMapPath(block), join(root, 'pv-1/dev'));
    assert.equal(
      mapper.podDeviceMapDirectory('pod-uid'),
      join(nodeRoot, 'pods/pod-uid/volumeDevices/kubernetes.io~csi'),
    );
    await mapper.prepare!(block);
    const staging = join(root, 'staging/pv-1');
    const target = join(root, 'publish/pv-1/pod-uid');
    assert.equal(await mapper.setUpDevice!(block, NO_DEVICE, context), staging);
    assert.equal(await mapper.mapPodDevice!(block, context), target);
    const [stage, publish] = requests as [Record<string, unknown>, Record<string, unknown>];
    const shared = {
      volumeId: 'vol-1',
      stagingTargetPath: staging,
      publishContext: { device: '/dev/loop7' },
      volumeContext: { pool: 'fast' },
    };
    const fields = (request: Record<string, unknown>, like: object) =>
      Object.fromEntries(Object.keys(like).map((key) => [key, request[key]]));
    assert.deepEqual(fields(stage, shared), shared);
    assert.deepEqual(stage.secrets, { password: 'hush' });
    const published = { ...shared, targetPath: target, readonly: true, secrets: {} };
    assert.deepEqual(fields(publish, published), published);
    for (const { volumeCapability } of requests as { volumeCapability: { accessType: { case: string } } }[])
      assert.equal(volumeCapability.accessType.case, 'block');
    const note = JSON.parse(await fs.readFile(join(root, 'pv-1/data/vol_data.json'), 'utf8'));
    assert.deepEqual(note, {
      attachmentID: attachmentName('vol-1', DRIVER, NODE),
      driverName: DRIVER,
      nodeName: NODE,
      specVolID: 'pv-1',
      volumeHandle: 'vol-1',
    });
    const rebuilt = await mapper.reconstruct('pv-1', 'pod-uid');
    assert.equal(rebuilt?.volumeName, `${DRIVER}^vol-1`);
    assert.equal(rebuilt?.spec.persistentVolume?.spec?.volumeMode, 'Block');

    for (const _again of [1, 2]) {
      await mapper.unmapPodDevice!('pv-1', 'pod-uid', signal);
      await mapper.tearDownDevice!('pv-1', signal, '');
      assert.deepEqual(await below(), ['publish', 'staging']);
    }
    assert.equal(await mapper.reconstruct('pv-1', 'pod-uid'), undefined);
  });

  it('leaves no directory whose note a crash has taken, and keeps all others', async (test) => {
    const { mapper, root, below } = await startBlock(test);
    await mapper.prepare!(block);
    const noted = await below();
    for (const path of ['gone/data', 'staging/gone', 'mapped/dev'])
      await fs.mkdir(join(root, path), { recursive: true });
    await fs.writeFile(join(root, 'mapped/dev/pod'), '');
    await mapper.clearAbandoned!();
    assert.deepEqual(await below(), [...noted, 'mapped', 'mapped/dev', 'mapped/dev/pod', 'staging'].sort());
  });

  it('is not staged by a driver that does not stage', async (test) => {
    const { mapper, attach, context, root, signal } = await startBlock(test, {
      nodeStageVolume: undefined,
      nodeUnstageVolume: undefined,
    });
    await attach();
    await mapper.prepare!(block);
    assert.equal(await mapper.setUpDevice!(block, NO_DEVICE, context), '');
    await mapper.mapPodDevice!(block, context);
    await mapper.unmapPodDevice!('pv-1', 'pod-uid', signal);
    await mapper.tearDownDevice!('pv-1', signal, '');
    assert.deepEqual(await fs.readdir(root), ['publish']);
  });

  it('leaves nothing when the driver has refused for sure, and everything when it may be at work', async (test) => {
    const failures = [refuse(Code.ABORTED, 'pending'), refuse(Code.INVALID_ARGUMENT, 'no such pool')];
    const { mapper, attach, context, below } = await startBlock(test, {
      nodeStageVolume: () => failures.shift()!(),
    });
    await attach();
    await mapper.prepare!(block);
    await assert.rejects(mapper.setUpDevice!(block, NO_DEVICE, context), UncertainProgressError);
    assert.ok((await below()).includes('staging/pv-1'));
    await assert.rejects(mapper.setUpDevice!(block, NO_DEVICE, context), (error: Error) => {
      assert.equal(error.message, 'rpc error: code = InvalidArgument desc = no such pool');
      return isOperationFinished(error);
    });
    assert.deepEqual(await below(), ['staging']);
  });

  it('tells what is missing before the driver is asked', async (test) => {
    const { mapper, client, attach, context } = await startBlock(test);
    const transient = (says: string | RegExp) => (error: Error) => {
      assert.match(error.message, new RegExp(says));
      return error instanceof TransientOperationFailure;
    };
    await assert.rejects(
      mapper.setUpDevice!(block, NO_DEVICE, context),
      transient(
        /^kubernetes.io\/csi: blockMapper.SetupDevice failed to get volume attachment \[id=csi-[0-9a-f]{64}\]: .* not found$/,
      ),
    );
    await attach();
    await client.delete(secrets, { namespace: 'default', name: 'key' });
    await assert.rejects(
      mapper.setUpDevice!(block, NO_DEVICE, context),
      transient(
        '^kubernetes.io/csi: failed to get NodeStageSecretRef default/key: kubernetes.io/csi: failed to find the secret key ' +
          'in the namespace default with error: secrets "key" not found$',
      ),
    );
  });

  it('stays known when the driver does not let it go', async (test) => {
    const { mapper, attach, context, signal } = await startBlock(test, {
      nodeUnpublishVolume: refuse(Code.INTERNAL, 'busy'),
      nodeUnstageVolume: refuse(Code.INTERNAL, 'busy'),
    });
    await attach();
    await mapper.prepare!(block);
    await mapper.setUpDevice!(block, NO_DEVICE, context);
    await mapper.mapPodDevice!(block, context);
    await assert.rejects(
      mapper.unmapPodDevice!('pv-1', 'pod-uid', signal),
      /^Error: kubernetes.io\/csi: blockMapper.unpublishVolumeForBlock failed: rpc error: code = Internal desc = busy$/,
    );
    await assert.rejects(
      mapper.tearDownDevice!('pv-1', signal, ''),
      /^Error: kubernetes.io\/csi: blockMapper.unstageVolumeForBlock failed: rpc error: code = Internal desc = busy$/,
    );
    assert.ok(await mapper.reconstruct('pv-1', 'pod-uid'));
  });
});
