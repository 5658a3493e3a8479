import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { FakeClock, silentLogger } from '../../base/index.ts';
import { Code } from '../codes.ts';
import { CsiError } from '../error.ts';
import {
  type CreateVolumeRequestSchema,
  VolumeCapability_AccessMode_Mode as Mode,
  type SnapshotSchema,
  type VolumeGroupSnapshotSchema,
  type VolumeSchema,
} from '../generated/csi_pb.js';
import { connectInMemory } from '../in-memory.ts';
import { CsiStatus } from '../status.ts';
import { driver } from '../test-support.ts';

type VolumeInit = MessageInitShape<typeof VolumeSchema>;

const connect = (services: Parameters<typeof driver>[0]) =>
  connectInMemory(driver(services), { clock: new FakeClock(), log: silentLogger });

const code = (expected: number, details: RegExp) => (error: unknown) =>
  error instanceof CsiError && error.code === expected && details.test(error.details);
const exists = (details: RegExp) => code(Code.ALREADY_EXISTS, details);

/** A driver that writes storage only: what is there, and how to make more. */
function volumes() {
  const made = new Map<string, VolumeInit>();
  const calls: string[] = [];
  const client = connect({
    controller: {
      capabilities: ['CLONE_VOLUME'],
      volumeByName({ name, parameters }) {
        const found = made.get(name);
        if (found && parameters.tier === 'other') throw new CsiStatus(Code.ALREADY_EXISTS, 'of another tier');
        return found;
      },
      createVolume({ name, capacityRange, volumeContentSource }) {
        calls.push(name);
        const volume = {
          volumeId: `id-of-${name}`,
          capacityBytes: capacityRange?.requiredBytes || 5n,
          contentSource: volumeContentSource,
          accessibleTopology: name === 'placed' ? [{ segments: { zone: 'a', node: 'n1' } }] : [],
        };
        made.set(name, volume);
        return { volume };
      },
      deleteVolume: () => ({}),
    },
    identity: { name: 'd', vendorVersion: '1', topology: true },
  });
  const capability = {
    accessMode: { mode: Mode.SINGLE_NODE_WRITER },
    accessType: { case: 'mount' as const, value: {} },
  };
  const create = (name: string, request: MessageInitShape<typeof CreateVolumeRequestSchema> = {}) =>
    client.controller.createVolume({ name, volumeCapabilities: [capability], ...request });
  return { create, calls };
}

const source = (volumeId: string) =>
  ({ type: { case: 'volume', value: { volumeId } } }) as const satisfies NonNullable<
    MessageInitShape<typeof CreateVolumeRequestSchema>['volumeContentSource']
  >;

describe('a create that comes again, of a driver that knows what a name has made', () => {
  it('is answered with what is there; the driver makes it once', async () => {
    const { create, calls } = volumes();
    const first = await create('v', { capacityRange: { requiredBytes: 7n } });
    const again = await create('v', { capacityRange: { requiredBytes: 6n, limitBytes: 7n } });
    assert.deepEqual(again, first);
    await create('w');
    assert.deepEqual(calls, ['v', 'w']);
  });

  it('is ALREADY_EXISTS where it asks for something else', async () => {
    const { create, calls } = volumes();
    await create('v', { capacityRange: { requiredBytes: 7n } });
    await create('copy', { volumeContentSource: source('v') });
    const cases: [string, MessageInitShape<typeof CreateVolumeRequestSchema>, RegExp][] = [
      [
        'v',
        { capacityRange: { requiredBytes: 8n } },
        /^volume v is there already, but has 7 bytes, of 8 required$/,
      ],
      ['v', { capacityRange: { limitBytes: 6n } }, /has 7 bytes, of at most 6$/],
      ['v', { volumeContentSource: source('w') }, /is made of nothing, not of volume w$/],
      ['copy', {}, /is made of volume v, not of nothing$/],
      ['copy', { volumeContentSource: source('w') }, /is made of volume v, not of volume w$/],
      ['v', { parameters: { tier: 'other' } }, /^of another tier$/],
    ];
    for (const [name, request, details] of cases)
      await assert.rejects(create(name, request), exists(details), String(details));
    await create('copy', { volumeContentSource: source('v') });
    assert.deepEqual(calls, ['v', 'copy']);
  });

  it('must be reachable from one of the places asked for', async () => {
    const { create } = volumes();
    const from = (...requisite: Record<string, string>[]) => ({
      accessibilityRequirements: { requisite: requisite.map((segments) => ({ segments })) },
    });
    await create('placed');
    const reached: Record<string, string>[][] = [[{ zone: 'a' }], [{ zone: 'b' }, { zone: 'a', node: 'n1' }]];
    for (const places of reached) await create('placed', from(...places));
    const elsewhere: Record<string, string>[][] = [[{ zone: 'b' }], [{ zone: 'a', node: 'n2' }]];
    for (const places of elsewhere)
      await assert.rejects(
        create('placed', from(...places)),
        exists(/cannot be reached from any of the places/),
      );
  });

  it('of a snapshot or a group of them is of the same volumes', async () => {
    const snapshots = new Map<string, MessageInitShape<typeof SnapshotSchema>>();
    const groups = new Map<string, MessageInitShape<typeof VolumeGroupSnapshotSchema>>();
    const { controller, groupController } = connect({
      controller: {
        snapshotByName: ({ name }) => snapshots.get(name),
        createSnapshot({ name, sourceVolumeId }) {
          const snapshot = { snapshotId: `${name}-${snapshots.size}`, sourceVolumeId, readyToUse: true };
          snapshots.set(name, snapshot);
          return { snapshot };
        },
        deleteSnapshot: () => ({}),
      },
      groupController: {
        groupSnapshotByName: async ({ name }) => groups.get(name),
        createVolumeGroupSnapshot({ name, sourceVolumeIds }) {
          const groupSnapshot = {
            groupSnapshotId: `${name}-${groups.size}`,
            snapshots: sourceVolumeIds.map((sourceVolumeId) => ({ snapshotId: 's', sourceVolumeId })),
          };
          groups.set(name, groupSnapshot);
          return { groupSnapshot };
        },
        deleteVolumeGroupSnapshot: () => ({}),
        getVolumeGroupSnapshot: () => ({}),
      },
    });
    for (let time = 0; time < 2; time++) {
      const { snapshot } = await controller.createSnapshot({ name: 's', sourceVolumeId: 'v' });
      assert.equal(snapshot?.snapshotId, 's-0');
      const sourceVolumeIds = time === 0 ? ['v', 'w'] : ['w', 'v'];
      const { groupSnapshot } = await groupController.createVolumeGroupSnapshot({
        name: 'g',
        sourceVolumeIds,
      });
      assert.equal(groupSnapshot?.groupSnapshotId, 'g-0');
    }
    await assert.rejects(
      controller.createSnapshot({ name: 's', sourceVolumeId: 'w' }),
      exists(/^snapshot s is there already, but is of volume v, not of w$/),
    );
    await assert.rejects(
      groupController.createVolumeGroupSnapshot({ name: 'g', sourceVolumeIds: ['v'] }),
      exists(/^group snapshot g is there already, but is of the volumes v, w, not of v$/),
    );
  });

  it('needs the create, too', () => {
    assert.throws(
      () => connect({ controller: { volumeByName: () => undefined } }),
      /^Error: CSI driver: volumeByName is of no use without createVolume$/,
    );
  });
});
