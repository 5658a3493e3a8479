import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, CsiStatus, type csi, type NodeService } from '../../../csi/index.ts';
import { type PersistentVolumeSpec, type Stored, secrets } from '../../../kube/index.ts';
import {
  FailedPreconditionError,
  InfeasibleError,
  OperationNotSupportedError,
  specFromPersistentVolume,
  TransientOperationFailure,
  UncertainProgressError,
} from '../../index.ts';
import { DRIVER, spec, start, volume } from './csi.test-support.ts';

const at = { devicePath: '/dev/x', mountPath: '/pod/mount', deviceMountPath: '/global' };
const sizes = { newSize: '2Gi', oldSize: '1Gi' };

const specWith = (more: Partial<PersistentVolumeSpec>) =>
  specFromPersistentVolume({ ...volume, spec: { ...volume.spec, ...more } } as Stored<typeof volume>, false);

describe('growing a CSI volume on its node', () => {
  async function begin(test: Parameters<typeof start>[0], answer: () => void = () => {}) {
    const asked: csi.NodeExpandVolumeRequest[] = [];
    const nodeExpandVolume: NodeService['nodeExpandVolume'] = (request) => {
      asked.push(request);
      answer();
      return {};
    };
    return { asked, ...(await start(test, { nodeExpandVolume })) };
  }

  it('tells the driver where the file system is, and how large it is to be', async (test) => {
    const { asked, node, client, signal } = await begin(test);
    const reference = { namespace: 'default', name: 'grow-key' };
    await client.create(secrets, { metadata: reference, stringData: { token: 'x' } });
    const withSecret = specWith({ csi: { ...volume.spec!.csi!, nodeExpandSecretRef: reference } });
    assert.equal(node.nodeExpander!.requiresExpansion(spec), true);
    await node.nodeExpander!.expand({ spec: withSecret, ...at, ...sizes, signal });
    const [request] = asked;
    assert.equal(request?.volumeId, 'vol-1');
    assert.equal(request.volumePath, '/pod/mount');
    assert.equal(request.stagingTargetPath, '/global');
    assert.equal(request.capacityRange?.requiredBytes, 2n << 30n);
    assert.deepEqual(request.secrets, { token: 'x' });
    const { accessType } = request.volumeCapability!;
    assert.ok(accessType.case === 'mount');
    assert.deepEqual([accessType.value.fsType, accessType.value.mountFlags], ['ext4', ['noatime']]);
  });

  it('tells it where the device of a raw block volume is', async (test) => {
    const { asked, node, signal } = await begin(test);
    const block = specWith({ volumeMode: 'Block' });
    await node.nodeExpander!.expand({ spec: block, ...at, ...sizes, signal });
    assert.equal(asked[0]?.volumePath, '/dev/x');
    assert.equal(asked[0]?.volumeCapability?.accessType.case, 'block');
  });

  const failures: [Code, new (message: string) => Error, RegExp][] = [
    [
      Code.FAILED_PRECONDITION,
      FailedPreconditionError,
      / the volume : .* code = FailedPrecondition desc = no$/,
    ],
    [Code.OUT_OF_RANGE, InfeasibleError, / the volume rpc error: code = OutOfRange desc = no$/],
    [Code.NOT_FOUND, InfeasibleError, /NotFound/],
    [Code.ABORTED, UncertainProgressError, / the volume : .*Aborted/],
    [Code.INTERNAL, Error, /^Expander.NodeExpand failed to expand the volume : .*Internal desc = no$/],
  ];
  for (const [code, kind, text] of failures)
    it(`fails as ${kind.name} after code ${code}`, async (test) => {
      const { node, signal } = await begin(test, () => {
        throw new CsiStatus(code, 'no');
      });
      await assert.rejects(node.nodeExpander!.expand({ spec, ...at, ...sizes, signal }), (error: Error) => {
        assert.equal(error.constructor, kind);
        assert.match(error.message, text);
        return true;
      });
    });

  it('is not for a driver that has nothing to do there', async (test) => {
    const { node, signal } = await start(test);
    await assert.rejects(node.nodeExpander!.expand({ spec, ...at, ...sizes, signal }), (error: Error) => {
      assert.ok(error instanceof OperationNotSupportedError);
      assert.equal(error.message, `NodeExpand is not supported by the CSI driver ${DRIVER}`);
      return true;
    });
  });

  it('waits for a secret that is not there yet', async (test) => {
    const { node, signal } = await begin(test);
    const reference = { namespace: 'default', name: 'absent' };
    const withSecret = specWith({ csi: { ...volume.spec!.csi!, nodeExpandSecretRef: reference } });
    await assert.rejects(
      node.nodeExpander!.expand({ spec: withSecret, ...at, ...sizes, signal }),
      (error: Error) =>
        error instanceof TransientOperationFailure &&
        /failed to get NodeExpandSecretRef default\/absent/.test(error.message),
    );
  });
});
