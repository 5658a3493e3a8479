import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseEndpoint } from './endpoint.ts';

describe('parseEndpoint', () => {
  for (const endpoint of ['unix:///run/csi.sock', 'unix:/run/csi.sock', '/run/csi.sock']) {
    it(`${endpoint} is /run/csi.sock`, () => assert.equal(parseEndpoint(endpoint), '/run/csi.sock'));
  }
  for (const endpoint of [
    '',
    'csi.sock',
    'unix://csi.sock',
    'unix:csi.sock',
    'tcp://127.0.0.1:1',
    'dns:///x',
    '//x',
  ]) {
    it(`${JSON.stringify(endpoint)} is refused`, () => {
      assert.throws(() => parseEndpoint(endpoint), /not an absolute Unix socket/);
    });
  }
  it('a path that a socket address cannot hold is refused, in bytes', () => {
    assert.equal(parseEndpoint(`/${'a'.repeat(106)}`).length, 107);
    assert.throws(() => parseEndpoint(`/${'a'.repeat(107)}`), /108 bytes, at most 107/);
    assert.throws(() => parseEndpoint(`/${'ä'.repeat(54)}`), /109 bytes/);
  });
});
