import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { silentLogger } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import {
  isBeingDeleted,
  type PersistentVolume,
  persistentVolumes,
  type Stored,
  type VolumeAttachment,
  volumeAttachments,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { specFromPersistentVolume, type VolumeSpec } from '../../volume/index.ts';
import { attachmentName } from '../../volume/plugins/csi/index.ts';
import { OrphanedAttachments } from './orphaned-attachments.ts';

const NAME = attachmentName('handle', 'fake', 'n');
const volume: PersistentVolume = {
  metadata: { name: 'v' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '1Gi' },
    csi: { driver: 'fake', volumeHandle: 'handle' },
  },
};

interface Case {
  readonly name?: string;
  readonly finalizers?: string[];
  readonly attached?: boolean;
  /** Who has the volume. */
  readonly knownTo?: 'server' | 'cache';
  readonly placedOn?: string;
  /** What others do between the look at the server and the deletion. */
  meanwhile?(client: Client): Promise<unknown>;
}

/** Whether the attachment is there still after a look at it. */
async function isKept(test: TestContext, one: Case): Promise<boolean> {
  const { client } = await startStack(test, { watch: [] });
  const name = one.name ?? NAME;
  await client.create<VolumeAttachment>(volumeAttachments, {
    metadata: { name, finalizers: one.finalizers },
    spec: { attacher: 'fake', nodeName: 'n', source: { persistentVolumeName: 'v' } },
  });
  if (one.attached) {
    const body = { status: { attached: true } };
    await client.patch(volumeAttachments, { name }, { type: 'merge', body }, { subresource: 'status' });
  }
  if (one.knownTo === 'server') await client.create(persistentVolumes, volume);
  const attachments = await client.list(volumeAttachments);
  const spec: VolumeSpec = specFromPersistentVolume(volume as Stored<PersistentVolume>, false);
  const orphans = new OrphanedAttachments({
    client: {
      ...client,
      list: (async (...args: Parameters<Client['list']>) => {
        const found = await client.list(...args);
        await one.meanwhile?.(client);
        return found;
      }) as Client['list'],
    },
    log: silentLogger,
    volumes: { get: () => (one.knownTo === 'cache' ? (volume as Stored<PersistentVolume>) : undefined) },
    attachments: { values: () => attachments.items.values() },
    placed: () => (one.placedOn ? [{ spec, nodeName: one.placedOn }] : []),
  });
  await orphans.discard(AbortSignal.timeout(60_000));
  const { items } = await client.list(volumeAttachments);
  // One with a finalizer would only begin to go.
  return items.some((attachment) => !isBeingDeleted(attachment));
}

const CASES: readonly (readonly [what: string, kept: boolean, one: Case])[] = [
  ['one whose volume is gone', false, {}],
  ['one whose volume the controller has on another node', false, { placedOn: 'm' }],
  ['one whose volume the controller has, or wants, on that node', true, { placedOn: 'n' }],
  ['one whose volume the cache has', true, { knownTo: 'cache' }],
  ['one whose volume only the server has', true, { knownTo: 'server' }],
  ['one that an attacher has begun with', true, { finalizers: ['external-attacher/fake'] }],
  ['one that is attached', true, { attached: true }],
  ['one that a user has named', true, { name: 'csi-of-mine' }],
  [
    'one that an attacher begins with meanwhile',
    true,
    {
      meanwhile: (client) =>
        client.patch(
          volumeAttachments,
          { name: NAME },
          { type: 'merge', body: { metadata: { finalizers: ['external-attacher/fake'] } } },
        ),
    },
  ],
];

describe('attachments of volumes that are gone', () => {
  for (const [what, kept, one] of CASES)
    it(`${kept ? 'keeps' : 'deletes'} ${what}`, async (test) => {
      assert.equal(await isKept(test, one), kept);
    });
});
