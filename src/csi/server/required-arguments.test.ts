import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { codeName } from '../codes.ts';
import * as csi from '../generated/csi_pb.js';
import { CSI_SERVICE_NAMES, CSI_SERVICES } from '../services.ts';
import { missingArgument } from './required-arguments.ts';

function verdict<Schema extends DescMessage>(
  schema: Schema,
  init: MessageInitShape<Schema>,
  stages = false,
): string | undefined {
  const status = missingArgument(schema, create(schema, init), { stages });
  return status && `${codeName(status.code)}: ${status.details}`;
}

const capability: MessageInitShape<typeof csi.VolumeCapabilitySchema> = {
  accessType: { case: 'block', value: {} },
  accessMode: { mode: csi.VolumeCapability_AccessMode_Mode.SINGLE_NODE_WRITER },
};

/** For each request, one that is complete, and what leaving out each of its fields must lead to. */
const REQUIRED: readonly [DescMessage, Record<string, unknown>, Record<string, string>][] = [
  [
    csi.CreateVolumeRequestSchema,
    { name: 'n', volumeCapabilities: [capability] },
    { name: 'name', volumeCapabilities: 'volume_capabilities' },
  ],
  [csi.DeleteVolumeRequestSchema, { volumeId: 'v' }, { volumeId: 'volume_id' }],
  [
    csi.ControllerPublishVolumeRequestSchema,
    { volumeId: 'v', nodeId: 'n', volumeCapability: capability },
    { volumeId: 'volume_id', nodeId: 'node_id', volumeCapability: 'volume_capability' },
  ],
  [csi.ControllerUnpublishVolumeRequestSchema, { volumeId: 'v' }, { volumeId: 'volume_id' }],
  [
    csi.ValidateVolumeCapabilitiesRequestSchema,
    { volumeId: 'v', volumeCapabilities: [capability] },
    { volumeId: 'volume_id', volumeCapabilities: 'volume_capabilities' },
  ],
  [csi.ControllerGetVolumeRequestSchema, { volumeId: 'v' }, { volumeId: 'volume_id' }],
  [
    csi.ControllerModifyVolumeRequestSchema,
    { volumeId: 'v', mutableParameters: { iops: '1' } },
    { volumeId: 'volume_id' },
  ],
  [
    csi.CreateSnapshotRequestSchema,
    { sourceVolumeId: 'v', name: 'n' },
    { sourceVolumeId: 'source_volume_id', name: 'name' },
  ],
  [csi.DeleteSnapshotRequestSchema, { snapshotId: 's' }, { snapshotId: 'snapshot_id' }],
  [csi.GetSnapshotRequestSchema, { snapshotId: 's' }, { snapshotId: 'snapshot_id' }],
  [
    csi.ControllerExpandVolumeRequestSchema,
    { volumeId: 'v', capacityRange: { requiredBytes: 1n } },
    { volumeId: 'volume_id', capacityRange: 'capacity_range' },
  ],
  [
    csi.NodeStageVolumeRequestSchema,
    { volumeId: 'v', stagingTargetPath: '/s', volumeCapability: capability },
    {
      volumeId: 'volume_id',
      stagingTargetPath: 'staging_target_path',
      volumeCapability: 'volume_capability',
    },
  ],
  [
    csi.NodeUnstageVolumeRequestSchema,
    { volumeId: 'v', stagingTargetPath: '/s' },
    { volumeId: 'volume_id', stagingTargetPath: 'staging_target_path' },
  ],
  [
    csi.NodePublishVolumeRequestSchema,
    { volumeId: 'v', targetPath: '/t', volumeCapability: capability },
    { volumeId: 'volume_id', targetPath: 'target_path', volumeCapability: 'volume_capability' },
  ],
  [
    csi.NodeUnpublishVolumeRequestSchema,
    { volumeId: 'v', targetPath: '/t' },
    { volumeId: 'volume_id', targetPath: 'target_path' },
  ],
  [
    csi.NodeGetVolumeStatsRequestSchema,
    { volumeId: 'v', volumePath: '/p' },
    { volumeId: 'volume_id', volumePath: 'volume_path' },
  ],
  [
    csi.NodeExpandVolumeRequestSchema,
    { volumeId: 'v', volumePath: '/p' },
    { volumeId: 'volume_id', volumePath: 'volume_path' },
  ],
  [
    csi.CreateVolumeGroupSnapshotRequestSchema,
    { name: 'n', sourceVolumeIds: ['v'] },
    { name: 'name', sourceVolumeIds: 'source_volume_ids' },
  ],
  [
    csi.DeleteVolumeGroupSnapshotRequestSchema,
    { groupSnapshotId: 'g', snapshotIds: ['s'] },
    { groupSnapshotId: 'group_snapshot_id', snapshotIds: 'snapshot_ids' },
  ],
  [
    csi.GetVolumeGroupSnapshotRequestSchema,
    { groupSnapshotId: 'g', snapshotIds: ['s'] },
    { groupSnapshotId: 'group_snapshot_id', snapshotIds: 'snapshot_ids' },
  ],
  [csi.GetMetadataAllocatedRequestSchema, { snapshotId: 's' }, { snapshotId: 'snapshot_id' }],
  [
    csi.GetMetadataDeltaRequestSchema,
    { baseSnapshotId: 'a', targetSnapshotId: 'b' },
    { baseSnapshotId: 'base_snapshot_id', targetSnapshotId: 'target_snapshot_id' },
  ],
];

/** Requests in which everything is optional. */
const NOTHING_REQUIRED: readonly DescMessage[] = [
  csi.GetPluginInfoRequestSchema,
  csi.GetPluginCapabilitiesRequestSchema,
  csi.ProbeRequestSchema,
  csi.ListVolumesRequestSchema,
  csi.GetCapacityRequestSchema,
  csi.ControllerGetCapabilitiesRequestSchema,
  csi.ListSnapshotsRequestSchema,
  csi.GroupControllerGetCapabilitiesRequestSchema,
  csi.NodeGetCapabilitiesRequestSchema,
  csi.NodeGetInfoRequestSchema,
];

describe('required arguments', () => {
  it('every request of the protocol is in one of the tables', () => {
    const listed = [...REQUIRED.map(([schema]) => schema), ...NOTHING_REQUIRED].map((schema) => schema.name);
    const all = CSI_SERVICE_NAMES.flatMap((name) =>
      CSI_SERVICES[name].methods.map((method) => method.input.name),
    );
    assert.deepEqual(listed.sort(), all.sort());
  });

  for (const [schema, complete, fields] of REQUIRED) {
    it(`${schema.name} needs ${Object.values(fields).join(', ')}`, () => {
      assert.equal(verdict(schema, complete), undefined);
      for (const [field, name] of Object.entries(fields)) {
        const { [field]: _, ...rest } = complete;
        assert.equal(verdict(schema, rest), `INVALID_ARGUMENT: ${name} is required`);
      }
    });
  }

  for (const schema of NOTHING_REQUIRED) {
    it(`${schema.name} may be empty`, () => assert.equal(verdict(schema, {}), undefined));
  }

  it('a capability needs an access type and a mode, wherever it is', () => {
    const { accessType, accessMode } = capability;
    const create = (volumeCapabilities: unknown[]) =>
      verdict(csi.CreateVolumeRequestSchema as DescMessage, { name: 'n', volumeCapabilities });
    assert.equal(
      create([capability, { accessMode }]),
      'INVALID_ARGUMENT: volume_capabilities[1].access_type is required',
    );
    assert.equal(
      create([{ accessType }]),
      'INVALID_ARGUMENT: volume_capabilities[0].access_mode is required',
    );
    assert.equal(
      create([{ accessType, accessMode: {} }]),
      'INVALID_ARGUMENT: volume_capabilities[0].access_mode.mode is required',
    );
    assert.equal(
      verdict(csi.NodeStageVolumeRequestSchema, {
        volumeId: 'v',
        stagingTargetPath: '/s',
        volumeCapability: { accessType },
      }),
      'INVALID_ARGUMENT: volume_capability.access_mode is required',
    );
  });

  it('a source needs to say which', () => {
    const create = (volumeContentSource: MessageInitShape<typeof csi.VolumeContentSourceSchema>) =>
      verdict(csi.CreateVolumeRequestSchema, {
        name: 'n',
        volumeCapabilities: [capability],
        volumeContentSource,
      });
    assert.equal(create({}), 'INVALID_ARGUMENT: volume_content_source.type is required');
    assert.equal(
      create({ type: { case: 'snapshot', value: {} } }),
      'INVALID_ARGUMENT: volume_content_source.snapshot.snapshot_id is required',
    );
    assert.equal(create({ type: { case: 'volume', value: { volumeId: 'v' } } }), undefined);
  });

  it('a capacity range has a bound, none negative, in order', () => {
    const expand = (requiredBytes: bigint, limitBytes: bigint) =>
      verdict(csi.ControllerExpandVolumeRequestSchema, {
        volumeId: 'v',
        capacityRange: { requiredBytes, limitBytes },
      });
    assert.equal(expand(0n, 0n), 'INVALID_ARGUMENT: capacity_range needs required_bytes or limit_bytes');
    assert.equal(expand(-1n, 0n), 'INVALID_ARGUMENT: capacity_range.required_bytes is negative: -1');
    assert.equal(
      expand(2n, 1n),
      'INVALID_ARGUMENT: capacity_range: required_bytes 2 is more than limit_bytes 1',
    );
    assert.equal(expand(0n, 1n), undefined);
    assert.equal(expand(2n, 2n), undefined);
  });

  it('numbers of entries are not negative; an offset before the start is OUT_OF_RANGE', () => {
    assert.equal(
      verdict(csi.ListVolumesRequestSchema, { maxEntries: -1 }),
      'INVALID_ARGUMENT: max_entries is negative: -1',
    );
    assert.equal(
      verdict(csi.GetMetadataAllocatedRequestSchema, { snapshotId: 's', startingOffset: -1n }),
      'OUT_OF_RANGE: starting_offset is negative: -1',
    );
  });

  const named: readonly [DescMessage, Record<string, unknown>][] = [
    [csi.CreateVolumeRequestSchema, { volumeCapabilities: [capability] }],
    [csi.CreateSnapshotRequestSchema, { sourceVolumeId: 'v' }],
    [csi.CreateVolumeGroupSnapshotRequestSchema, { sourceVolumeIds: ['v'] }],
  ];
  for (const [schema, rest] of named) {
    it(`the name in ${schema.name} is at most 128 bytes of anything but control characters`, () => {
      const say = (name: string) => verdict(schema, { ...rest, name });
      assert.equal(say('n'.repeat(128)), undefined);
      assert.equal(say('Żółw in\ttwo\r\nlines'), undefined);
      assert.equal(say('ż'.repeat(65)), 'INVALID_ARGUMENT: name has 130 bytes; at most 128 are allowed');
      for (const banned of ['\u0000', '\u0008', '\u000b', '\u001f', '\u007f', '\u009f'])
        assert.match(say(`a${banned}`) ?? '', /^INVALID_ARGUMENT: name ".*" contains a control character$/);
    });

    it(`the parameters in ${schema.name} are at most 4 KiB, keys and values`, () => {
      const say = (length: number) =>
        verdict(schema, { ...rest, name: 'n', parameters: { key: 'x'.repeat(length) } });
      assert.equal(say(4093), undefined);
      assert.equal(say(4094), 'INVALID_ARGUMENT: parameters has 4097 bytes; at most 4096 are allowed');
    });
  }

  it('mutable parameters are at most 4 KiB, wherever they are', () => {
    const mutableParameters = { key: 'x'.repeat(4094) };
    const tooLarge = 'INVALID_ARGUMENT: mutable_parameters has 4097 bytes; at most 4096 are allowed';
    const create = { name: 'n', volumeCapabilities: [capability], mutableParameters };
    assert.equal(verdict(csi.CreateVolumeRequestSchema, create), tooLarge);
    assert.equal(
      verdict(csi.ControllerModifyVolumeRequestSchema, { volumeId: 'v', mutableParameters }),
      tooLarge,
    );
  });

  it('paths are absolute', () => {
    assert.equal(
      verdict(csi.NodeUnpublishVolumeRequestSchema, { volumeId: 'v', targetPath: 'pods/x' }),
      'INVALID_ARGUMENT: target_path "pods/x" is not an absolute path',
    );
  });

  it('publishing without the staged path is FAILED_PRECONDITION if the driver stages', () => {
    const request = { volumeId: 'v', targetPath: '/t', volumeCapability: capability };
    assert.equal(verdict(csi.NodePublishVolumeRequestSchema, request, false), undefined);
    assert.equal(
      verdict(csi.NodePublishVolumeRequestSchema, request, true),
      'FAILED_PRECONDITION: staging_target_path is required',
    );
    assert.equal(
      verdict(csi.NodePublishVolumeRequestSchema, { ...request, stagingTargetPath: '/s' }, true),
      undefined,
    );
    const volumeContext = { 'csi.storage.k8s.io/ephemeral': 'true' };
    assert.equal(verdict(csi.NodePublishVolumeRequestSchema, { ...request, volumeContext }, true), undefined);
  });
});
