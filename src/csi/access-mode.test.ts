import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { csiAccessMode } from './access-mode.ts';
import { VolumeCapability_AccessMode_Mode as Mode } from './generated/csi_pb.js';

describe('csiAccessMode', () => {
  const both = /does not support use of ReadWriteOncePod with other access modes/;
  const cases: [modes: string[], plain: number | RegExp, singleNodeMultiWriter: number | RegExp][] = [
    [['ReadWriteOnce'], Mode.SINGLE_NODE_WRITER, Mode.SINGLE_NODE_MULTI_WRITER],
    [['ReadWriteOncePod'], Mode.SINGLE_NODE_WRITER, Mode.SINGLE_NODE_SINGLE_WRITER],
    [['ReadOnlyMany'], Mode.MULTI_NODE_READER_ONLY, Mode.MULTI_NODE_READER_ONLY],
    [['ReadWriteMany'], Mode.MULTI_NODE_MULTI_WRITER, Mode.MULTI_NODE_MULTI_WRITER],
    [['ReadOnlyMany', 'ReadWriteMany'], Mode.MULTI_NODE_MULTI_WRITER, Mode.MULTI_NODE_MULTI_WRITER],
    [['ReadWriteMany', 'ReadWriteOnce'], Mode.MULTI_NODE_MULTI_WRITER, Mode.MULTI_NODE_MULTI_WRITER],
    [['ReadWriteOnce', 'ReadOnlyMany'], /ReadOnlyMany and ReadWriteOnce/, /ReadOnlyMany and ReadWriteOnce/],
    [['ReadWriteOncePod', 'ReadWriteOnce'], both, both],
    [[], /unsupported AccessMode/, /unsupported AccessMode/],
  ];
  for (const [modes, ...expected] of cases) {
    expected.forEach((result, index) => {
      it(`${modes.join('+') || 'none'}${index === 1 ? ' where one writer is told from several' : ''}`, () => {
        const ask = () => csiAccessMode(modes, index === 1);
        if (result instanceof RegExp) assert.throws(ask, result);
        else assert.equal(ask(), result);
      });
    });
  }
});
