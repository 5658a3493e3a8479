import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { layoutOf } from './layout.ts';
import { socketProblem } from './socket-paths.ts';

/** A data directory of so many bytes. */
const directory = (bytes: number) => `/${'d'.repeat(bytes - 1)}`;

describe('socketProblem', () => {
  // The longest is DIR/kubelet/plugins_registry/disk.csi.stowage.dev-reg.sock: 55 bytes after the directory, of 107.
  const table: [what: string, dataDir: string, nodes: number, says: RegExp | undefined][] = [
    ['the default', '/var/lib/stowage', 1, undefined],
    ['the longest that goes', directory(52), 1, undefined],
    [
      'a byte more',
      directory(53),
      1,
      /^socket path \/d+\/kubelet\/plugins_registry\/.*-reg.sock: 108 bytes, at most 107/,
    ],
    ['a second node, which lives deeper', directory(52), 2, /kubelet\/nodes\/node-2\/.*: 120 bytes/],
    ['no node, no sockets', directory(200), 0, undefined],
    ['bytes, not characters', `/${'é'.repeat(27)}`, 1, /110 bytes/],
  ];
  for (const [what, dataDir, nodes, says] of table) {
    it(what, () => {
      const problem = socketProblem(layoutOf(dataDir, {}), nodes);
      if (says) assert.match(problem ?? '', says);
      else assert.equal(problem, undefined);
    });
  }

  it('counts a kubelet root elsewhere', () => {
    const layout = layoutOf('/short', { nodeRoot: directory(80) });
    assert.match(socketProblem(layout, 1) ?? '', /at most 107/);
  });
});
