import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from './codes.ts';
import { CsiError } from './error.ts';
import { CsiStatus } from './status.ts';
import { driver, gate, keptLog, TRANSPORTS } from './test-support.ts';

const CAPABILITY = {
  accessType: { case: 'mount' as const, value: { fsType: 'ext4' } },
  accessMode: { mode: 1 },
};
const CREATE = { name: 'pvc-1', volumeCapabilities: [CAPABILITY] };

function failsWith(code: Code, details?: RegExp) {
  return (error: unknown) => {
    assert(error instanceof CsiError, `not a CsiError: ${error}`);
    assert.equal(error.codeName, Object.entries(Code).find(([, number]) => number === code)?.[0]);
    if (details) assert.match(error.details, details);
    return true;
  };
}

for (const { name, serve } of TRANSPORTS) {
  describe(`a driver ${name}`, { timeout: 120_000 }, () => {
    it('answers a call with what its handler returns', async (t) => {
      const client = await serve(
        t,
        driver({
          controller: {
            createVolume: (request) => ({
              volume: {
                volumeId: `id-of-${request.name}`,
                capacityBytes: request.capacityRange?.requiredBytes ?? 0n,
                accessibleTopology: [{ segments: { zone: 'z1' } }],
              },
            }),
            deleteVolume: async () => ({}),
          },
        }),
      );
      const range = { requiredBytes: 2n ** 40n };
      const { volume } = await client.controller.createVolume({ ...CREATE, capacityRange: range });
      assert.equal(volume?.volumeId, 'id-of-pvc-1');
      assert.equal(volume.capacityBytes, 2n ** 40n);
      assert.deepEqual(volume.accessibleTopology[0]?.segments, { zone: 'z1' });
    });

    it('says who it is without handlers for that', async (t) => {
      const client = await serve(t, driver({ node: { nodeGetInfo: () => ({ nodeId: 'n1' }) } }));
      const info = await client.identity.getPluginInfo();
      assert.deepEqual([info.name, info.vendorVersion], ['test.csi.example.org', '1']);
      assert.equal((await client.identity.probe()).ready, true);
    });

    it('answers UNIMPLEMENTED without a handler, or without the service', async (t) => {
      const client = await serve(t, driver({ node: {} }));
      await assert.rejects(client.node.nodeGetInfo(), failsWith(Code.UNIMPLEMENTED));
      await assert.rejects(client.controller.listVolumes(), failsWith(Code.UNIMPLEMENTED));
      await assert.rejects(
        client.snapshotMetadata.getMetadataAllocated({ snapshotId: 's' })[Symbol.asyncIterator]().next(),
        failsWith(Code.UNIMPLEMENTED),
      );
    });

    it('passes on the status that a handler throws, with what the call was about', async (t) => {
      const client = await serve(
        t,
        driver({
          controller: {
            createVolume: () => {
              throw new CsiStatus(Code.RESOURCE_EXHAUSTED, 'pool has 3 GiB free, 10 GiB asked');
            },
            deleteVolume: () => ({}),
          },
        }),
      );
      await assert.rejects(client.controller.createVolume(CREATE), (error) => {
        assert(error instanceof CsiError);
        assert.equal(
          error.message,
          'CreateVolume "pvc-1" on test.csi.example.org: RESOURCE_EXHAUSTED: pool has 3 GiB free, 10 GiB asked',
        );
        assert.equal(error.method, '/csi.v1.Controller/CreateVolume');
        assert.equal(error.code, Code.RESOURCE_EXHAUSTED);
        return true;
      });
    });

    it('answers INTERNAL with the message of any other exception', async (t) => {
      const client = await serve(
        t,
        driver({
          node: {
            nodeGetInfo() {
              throw new TypeError('no such host');
            },
          },
        }),
      );
      await assert.rejects(client.node.nodeGetInfo(), failsWith(Code.INTERNAL, /^no such host$/));
    });

    it('fails with DEADLINE_EXCEEDED and aborts the signal of the handler', async (t) => {
      const aborted = gate();
      const client = await serve(
        t,
        driver({
          node: {
            async nodeGetInfo(_request, { signal, deadlineMs }) {
              assert(deadlineMs !== undefined);
              signal.addEventListener('abort', () => aborted.open());
              await aborted.opened;
              return {};
            },
          },
        }),
      );
      await assert.rejects(client.node.nodeGetInfo({}, { timeoutMs: 50 }), failsWith(Code.DEADLINE_EXCEEDED));
      await aborted.opened;
    });

    it('fails with CANCELLED when the caller aborts, and tells the handler', async (t) => {
      const entered = gate();
      const aborted = gate();
      const client = await serve(
        t,
        driver({
          node: {
            async nodeGetInfo(_request, { signal }) {
              signal.addEventListener('abort', () => aborted.open());
              entered.open();
              await aborted.opened;
              return {};
            },
          },
        }),
      );
      const controller = new AbortController();
      const call = client.node.nodeGetInfo({}, { signal: controller.signal });
      await entered.opened;
      const reason = new Error('the pod is gone');
      controller.abort(reason);
      await assert.rejects(call, (error) => {
        assert.equal((error as CsiError).cause, reason);
        return failsWith(Code.CANCELLED)(error);
      });
      await aborted.opened;
      await assert.rejects(
        client.node.nodeGetInfo({}, { signal: controller.signal }),
        failsWith(Code.CANCELLED),
      );
    });

    it('fails pending and later calls with CANCELLED when the client is closed', async (t) => {
      const entered = gate();
      const release = gate();
      const node = {
        async nodeGetInfo() {
          entered.open();
          await release.opened;
          return {};
        },
      };
      const client = await serve(t, driver({ node }));
      const pending = client.node.nodeGetInfo();
      await entered.opened;
      client.close();
      await assert.rejects(pending, failsWith(Code.CANCELLED));
      await assert.rejects(client.node.nodeGetInfo(), failsWith(Code.CANCELLED));
      release.open();
    });

    it('answers ABORTED to a second operation on a volume until the first handler is through', async (t) => {
      const entered = gate();
      const release = gate();
      let deletes = 0;
      const client = await serve(
        t,
        driver({
          controller: {
            createVolume: () => ({ volume: { volumeId: 'v1' } }),
            async deleteVolume(request) {
              deletes++;
              if (request.volumeId === 'v1') {
                entered.open();
                await release.opened;
              }
              return {};
            },
            controllerExpandVolume: () => ({}),
            validateVolumeCapabilities: () => ({}),
          },
        }),
      );
      const controller = new AbortController();
      const first = client.controller.deleteVolume({ volumeId: 'v1' }, { signal: controller.signal });
      await entered.opened;
      await assert.rejects(
        client.controller.deleteVolume({ volumeId: 'v1' }),
        failsWith(Code.ABORTED, /volume "v1" is pending/),
      );
      const expand = { volumeId: 'v1', capacityRange: { requiredBytes: 1n } };
      await assert.rejects(client.controller.controllerExpandVolume(expand), failsWith(Code.ABORTED));
      await client.controller.deleteVolume({ volumeId: 'v2' });
      await client.controller.validateVolumeCapabilities({
        volumeId: 'v1',
        volumeCapabilities: [CAPABILITY],
      });
      // The caller gives up; the handler does not.
      controller.abort();
      await assert.rejects(first, failsWith(Code.CANCELLED));
      await assert.rejects(client.controller.deleteVolume({ volumeId: 'v1' }), failsWith(Code.ABORTED));
      release.open();
      await client.controller.validateVolumeCapabilities({
        volumeId: 'v1',
        volumeCapabilities: [CAPABILITY],
      });
      await client.controller.controllerExpandVolume(expand);
      assert.equal(deletes, 2);
    });

    it('streams, and stops the handler when the reader has enough', async (t) => {
      const finished = gate();
      const client = await serve(
        t,
        driver({
          snapshotMetadata: {
            async *getMetadataAllocated(request) {
              try {
                for (let offset = request.startingOffset; ; offset += 1n) {
                  yield { blockMetadata: [{ byteOffset: offset, sizeBytes: 1n }] };
                }
              } finally {
                finished.open();
              }
            },
            async *getMetadataDelta() {
              yield { volumeCapacityBytes: 7n };
              throw new CsiStatus(Code.OUT_OF_RANGE, 'past the end');
            },
          },
        }),
      );
      const offsets: bigint[] = [];
      const request = { snapshotId: 's', startingOffset: 5n };
      for await (const { blockMetadata } of client.snapshotMetadata.getMetadataAllocated(request)) {
        offsets.push(blockMetadata[0]!.byteOffset);
        if (offsets.length === 3) break;
      }
      assert.deepEqual(offsets, [5n, 6n, 7n]);
      await finished.opened;

      const delta = client.snapshotMetadata.getMetadataDelta({ baseSnapshotId: 'a', targetSnapshotId: 'b' });
      const seen: bigint[] = [];
      const reading = (async () => {
        for await (const { volumeCapacityBytes } of delta) seen.push(volumeCapacityBytes);
      })();
      await assert.rejects(reading, failsWith(Code.OUT_OF_RANGE, /past the end/));
      assert.deepEqual(seen, [7n]);
    });

    it('rejects a request without required arguments before the handler sees it', async (t) => {
      const client = await serve(
        t,
        driver({
          controller: {
            createVolume: () => assert.fail('must not be called'),
            deleteVolume: () => ({}),
          },
        }),
      );
      await assert.rejects(
        client.controller.createVolume({}),
        failsWith(Code.INVALID_ARGUMENT, /^name is required$/),
      );
    });

    it('throws a plain error for a request that cannot be serialized', async (t) => {
      const client = await serve(t, driver({ controller: { listVolumes: () => ({}) } }));
      await assert.rejects(client.controller.listVolumes({ maxEntries: 2 ** 40 }), (error) => {
        assert(!(error instanceof CsiError));
        return true;
      });
    });

    it('tells onCall of each call with its code', async (t) => {
      const calls: [string, number | undefined][] = [];
      const client = await serve(t, driver({ node: { nodeGetInfo: () => ({}) } }), {
        onCall: ({ method, code, durationMs }) => {
          assert(durationMs >= 0);
          calls.push([method, code]);
        },
      });
      await client.node.nodeGetInfo();
      await assert.rejects(client.node.nodeExpandVolume());
      assert.deepEqual(calls, [
        ['/csi.v1.Node/NodeGetInfo', Code.OK],
        ['/csi.v1.Node/NodeExpandVolume', Code.UNIMPLEMENTED],
      ]);
    });

    it('keeps secrets out of the log and out of errors', async (t) => {
      const { log, lines } = keptLog();
      const client = await serve(
        t,
        driver({
          controller: {
            createVolume(request) {
              if (request.name === 'bad') throw new Error(`login failed: ${request.secrets.password}`);
              return { volume: { volumeId: 'v1' } };
            },
            deleteVolume: () => ({}),
          },
        }),
        { log },
      );
      const secrets = { password: 'hunter2-sentinel' };
      await client.controller.createVolume({ ...CREATE, secrets });
      await assert.rejects(client.controller.createVolume({ ...CREATE, name: 'bad', secrets }), (error) => {
        assert.equal((error as CsiError).details, 'login failed: ***stripped***');
        return failsWith(Code.INTERNAL)(error);
      });
      const calls = lines.filter((line) => line.method === '/csi.v1.Controller/CreateVolume');
      assert.deepEqual(
        calls.map((line) => [line.level, line.code]),
        [
          ['debug', 'OK'],
          ['warn', 'INTERNAL'],
        ],
      );
      assert.equal((calls[0]!.request as Record<string, unknown>).secrets, '***stripped***');
      assert(!JSON.stringify(lines).includes('hunter2-sentinel'));
    });
  });
}
