import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { csi } from '../../csi/index.ts';
import { csiAccessMode } from './access-mode.ts';

const { VolumeCapability_AccessMode_Mode: Mode } = csi;

describe('csiAccessMode', () => {
  const table: [string[], string, string][] = [
    [['ReadWriteOnce'], 'SINGLE_NODE_WRITER', 'SINGLE_NODE_MULTI_WRITER'],
    [['ReadWriteOncePod'], 'SINGLE_NODE_WRITER', 'SINGLE_NODE_SINGLE_WRITER'],
    [['ReadOnlyMany'], 'MULTI_NODE_READER_ONLY', 'MULTI_NODE_READER_ONLY'],
    [['ReadWriteMany'], 'MULTI_NODE_MULTI_WRITER', 'MULTI_NODE_MULTI_WRITER'],
    [
      ['ReadWriteMany', 'ReadOnlyMany', 'ReadWriteOnce'],
      'MULTI_NODE_MULTI_WRITER',
      'MULTI_NODE_MULTI_WRITER',
    ],
  ];
  for (const [modes, plain, capable] of table) {
    it(`${modes.join('+')} is ${plain}, or ${capable} for a driver that tells writers apart`, () => {
      assert.equal(Mode[csiAccessMode(modes, false)], plain);
      assert.equal(Mode[csiAccessMode(modes, true)], capable);
    });
  }
  it('refuses what CSI cannot express', () => {
    assert.throws(() => csiAccessMode(['ReadOnlyMany', 'ReadWriteOnce'], true), /CSI does not support/);
    assert.throws(
      () => csiAccessMode(['ReadWriteOncePod', 'ReadWriteOnce'], true),
      /ReadWriteOncePod with other/,
    );
    assert.throws(() => csiAccessMode([], false), /unsupported AccessMode combination/);
  });
});
