import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger, systemClock } from '../../base/index.ts';
import { Informers } from '../../client/index.ts';
import { serveInMemory } from '../../csi/index.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  StatusError,
  storageClasses,
  volumeSnapshots,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createProvisioner } from './index.ts';

const DRIVER = 'disk.csi.example.com';

it('a driver with snapshots makes volumes on a cluster without the snapshot kinds', async (test) => {
  let refused = 0;
  const absent = () => {
    refused++;
    return new StatusError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      reason: 'NotFound',
      code: 404,
      message: 'the server could not find the requested resource',
    });
  };
  const stack = await startStack(test, {
    watch: [persistentVolumes],
    wrap: (client) => ({
      ...client,
      list: (resource, options) =>
        resource === (volumeSnapshots as unknown) ? Promise.reject(absent()) : client.list(resource, options),
      async *watch(resource, options) {
        if (resource === (volumeSnapshots as unknown)) throw absent();
        yield* client.watch(resource, options);
      },
    }),
  });
  const server = serveInMemory(
    {
      identity: { name: DRIVER, vendorVersion: '1' },
      controller: {
        createVolume: ({ name }) => ({ volume: { volumeId: name, capacityBytes: 1n << 30n } }),
        deleteVolume: () => ({}),
        createSnapshot: () => ({}),
        deleteSnapshot: () => ({}),
      },
    },
    { clock: systemClock, log: silentLogger },
  );
  const csi = server.connect();
  test.after(() => csi.close());
  const { client, context } = stack;
  // The informers must be refused, too.

  const informers = new Informers(context);
  const stop = new AbortController();
  const running = informers.start(stop.signal);
  test.after(async () => {
    stop.abort();
    await running;
  });
  stack.run(createProvisioner({ ...context, informers }, { csi }));
  await client.create(storageClasses, { metadata: { name: 'c' }, provisioner: DRIVER });
  await client.create(persistentVolumeClaims, {
    metadata: {
      name: 'claim',
      namespace: 'default',
      annotations: { 'volume.kubernetes.io/storage-provisioner': DRIVER },
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'c',
      resources: { requests: { storage: '1Gi' } },
    },
  });
  const volumes = context.informers.of(persistentVolumes);
  await stack.until('a volume', () => volumes.size === 1);
  assert.ok(refused > 0);
});
