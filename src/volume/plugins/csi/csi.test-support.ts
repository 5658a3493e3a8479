import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../../../apiserver/index.ts';
import { seededRandom, silentLogger, systemClock } from '../../../base/index.ts';
import { Informers } from '../../../client/index.ts';
import { connectCsi, type csi, type NodeService, serveCsi } from '../../../csi/index.ts';
import { createLinuxHost } from '../../../host/index.ts';
import {
  csiDrivers,
  type PersistentVolume,
  type Pod,
  type Stored,
  secrets,
  volumeAttachments,
} from '../../../kube/index.ts';
import { type MountContext, specFromPersistentVolume } from '../../index.ts';
import { attachmentName, CsiDrivers, createCsiPlugin } from './index.ts';

export const DRIVER = 'disk.example.org';
export const NODE = 'node-1';
export const host = createLinuxHost({ clock: systemClock });
export const isRoot = process.getuid?.() === 0;

export const volume = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'pv-1', uid: 'pv-uid', resourceVersion: '1', creationTimestamp: '' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    mountOptions: ['noatime'],
    capacity: { storage: '1Gi' },
    claimRef: { namespace: 'default', name: 'claim', uid: 'claim-uid' },
    csi: {
      driver: DRIVER,
      volumeHandle: 'vol-1',
      fsType: 'ext4',
      volumeAttributes: { pool: 'fast' },
      nodeStageSecretRef: { namespace: 'default', name: 'key' },
    },
  },
} as Stored<PersistentVolume>;
export const spec = specFromPersistentVolume(volume, false);

export const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-0',
    namespace: 'default',
    uid: 'pod-uid',
    resourceVersion: '1',
    creationTimestamp: '',
  },
  spec: { containers: [], serviceAccountName: 'default' },
} as Stored<Pod>;

export interface Calls {
  readonly stage: csi.NodeStageVolumeRequest[];
  readonly publish: csi.NodePublishVolumeRequest[];
  readonly others: string[];
}

/** A registry in memory, a driver behind a real socket, and the plugin between them; all of it ends with the test. */
export async function start(
  test: TestContext,
  overrides: Partial<NodeService> = {},
  capabilities: string[] = [],
) {
  const root = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'csi-plugin-')));
  const controller = new AbortController();
  const { signal } = controller;
  const store = await openStore({ memory: true });
  const registry = await createRegistry({ store, clock: systemClock, random: seededRandom(1) });
  const client = createLocalClient(registry);
  const informers = new Informers({ client, clock: systemClock, random: seededRandom(2), log: silentLogger });
  const running = informers.start(signal);
  const calls: Calls = { stage: [], publish: [], others: [] };
  const server = await serveCsi({
    endpoint: join(root, 'csi.sock'),
    clock: systemClock,
    log: silentLogger,
    identity: { name: DRIVER, vendorVersion: '1' },
    node: {
      capabilities: capabilities as NodeService['capabilities'],
      nodeGetInfo: () => ({ nodeId: NODE }),
      nodeStageVolume(request) {
        calls.stage.push(request);
        return {};
      },
      nodeUnstageVolume(request) {
        calls.others.push(`unstage ${request.volumeId}`);
        return {};
      },
      async nodePublishVolume(request) {
        calls.publish.push(request);
        await fs.mkdir(request.targetPath);
        return {};
      },
      async nodeUnpublishVolume(request) {
        calls.others.push(`unpublish ${request.volumeId}`);
        await fs.rmdir(request.targetPath);
        return {};
      },
      ...overrides,
    },
  });
  const connection = connectCsi(join(root, 'csi.sock'), { clock: systemClock, driver: DRIVER });
  const drivers = new CsiDrivers(systemClock);
  drivers.add(DRIVER, connection);
  test.after(async () => {
    controller.abort();
    connection.close();
    await server.stop();
    await running;
    await host.files.removeTree(root);
  });
  const nodeRoot = join(root, 'kubelet');
  const shared = { client, informers, clock: systemClock };
  const node = createCsiPlugin({ ...shared, node: { host, drivers, nodeRoot, nodeName: NODE } });
  const context: MountContext = { pod, signal };
  const attach = (metadata: Record<string, string> = {}) =>
    client
      .create(volumeAttachments, {
        metadata: { name: attachmentName('vol-1', DRIVER, NODE) },
        spec: { attacher: DRIVER, nodeName: NODE, source: { persistentVolumeName: 'pv-1' } },
      })
      .then((object) =>
        client.update(
          volumeAttachments,
          { ...object, status: { attached: true, attachmentMetadata: metadata } },
          { subresource: 'status' },
        ),
      );
  await client.create(secrets, {
    metadata: { name: 'key', namespace: 'default' },
    data: { password: Buffer.from('hush').toString('base64') },
  });
  await Informers.synced(signal, informers.of(csiDrivers));
  return { root, nodeRoot, client, informers, signal, calls, node, shared, context, attach, drivers };
}

export const NO_DEVICE = '';
