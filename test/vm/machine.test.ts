import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cpioArchive } from './cpio.ts';
import { findTool } from './machine.ts';
import { moduleFiles } from './modules.ts';
import { missingAdvice, REQUIREMENTS } from './requirements.ts';

describe('the first root file system', () => {
  const entries = [
    { name: 'bin', kind: 'directory' as const },
    { name: 'bin/sh', kind: 'file' as const, content: Buffer.from('odd') },
    { name: 'init', kind: 'file' as const, content: Buffer.from('#!/bin/sh\n') },
  ];

  it('has headers of 110 bytes, and everything at multiples of four', () => {
    const text = Buffer.from(cpioArchive(entries)).toString('latin1');
    assert.equal(text.length % 4, 0);
    const starts = [...text.matchAll(/070701[0-9a-f]{104}/g)].map(({ index }) => index);
    assert.equal(starts.length, entries.length + 1);
    for (const start of starts) assert.equal(start % 4, 0);
    assert.match(text, /TRAILER!!!\0+$/);
  });

  it('is unpacked by cpio', { skip: findTool('cpio') ? false : 'cpio is not installed' }, (test) => {
    const directory = mkdtempSync(join(tmpdir(), 'stowage-cpio-'));
    test.after(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, 'archive'), cpioArchive(entries));
    execFileSync('/bin/sh', ['-c', 'cpio --extract --quiet <archive'], { cwd: directory });
    assert.equal(readFileSync(join(directory, 'bin/sh'), 'utf8'), 'odd');
    assert.equal(readFileSync(join(directory, 'init'), 'utf8'), '#!/bin/sh\n');
    assert.equal(statSync(join(directory, 'init')).mode & 0o777, 0o755);
  });
});

describe('modules', () => {
  const dependencies = [
    'kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs.ko.xz',
    'kernel/net/9p/9pnet.ko.xz:',
    'kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/virtio-ring.ko.xz',
    'kernel/fs/netfs.ko.xz:',
    'kernel/virtio-ring.ko.xz:',
  ].join('\n');

  it('come after what they need, each once; what is built in is left out', () => {
    const files = moduleFiles(dependencies, ['9p', '9pnet_virtio', 'virtio_ring', 'ext4']);
    assert.deepEqual(
      files.map((file) => file.replace(/^.*\/|\.ko\.xz$/g, '')),
      ['netfs', '9pnet', '9p', 'virtio-ring', '9pnet_virtio'],
    );
  });
});

describe('what is missing', () => {
  it('is named with the packages that bring it', () => {
    assert.equal(
      missingAdvice((what) => what !== 'tgtd' && what !== 'iscsiadm'),
      'missing: tgtd, iscsiadm; install it with: apt-get install --no-install-recommends tgt open-iscsi',
    );
    assert.equal(
      missingAdvice(() => true),
      undefined,
    );
  });

  it('is what the documentation says', () => {
    const text = readFileSync(new URL('../../docs/vm-tests.md', import.meta.url), 'utf8');
    for (const requirement of REQUIREMENTS)
      assert.ok(text.includes(requirement.package), requirement.package);
  });
});
