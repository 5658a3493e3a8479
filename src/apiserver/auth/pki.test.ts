import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FakeClock, seededRandom, systemRandom } from '../../base/index.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { openPki } from './pki.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('openPki', () => {
  let directory: string;
  before(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'stowage-pki-')), 'pki');
  });
  after(() => rm(join(directory, '..'), { recursive: true, force: true }));

  it('makes an authority and certificates that it signed, readable by their owner only', async () => {
    const pki = await openPki({ directory, clock: new FakeClock(), random: systemRandom });
    const ca = new X509Certificate(pki.ca);
    assert.equal(ca.ca, true);
    for (const { cert } of [pki.serving, pki.admin, pki.kubeletClient])
      assert.ok(new X509Certificate(cert).verify(ca.publicKey));
    const serving = new X509Certificate(pki.serving.cert);
    for (const address of ['127.0.0.1', '::1']) assert.ok(serving.checkIP(address), address);
    for (const name of ['localhost', 'kubernetes.default.svc']) assert.ok(serving.checkHost(name), name);
    assert.equal(new X509Certificate(pki.admin.cert).subject, 'O=system:masters\nCN=kubernetes-admin');
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    assert.equal((await stat(join(directory, 'ca.key'))).mode & 0o777, 0o600);
  });

  it('reuses what is valid', async () => {
    const clock = new FakeClock();
    const first = await openPki({ directory, clock, random: systemRandom });
    const second = await openPki({ directory, clock, random: systemRandom });
    assert.equal(second.ca, first.ca);
    assert.deepEqual(second.serving, first.serving);
    assert.deepEqual(second.admin, first.admin);
  });

  it('renews certificates in their last thirty days, with the same authority', async () => {
    const now = new FakeClock();
    const first = await openPki({ directory, clock: now, random: systemRandom });
    const later = new FakeClock(now.now() + 336 * DAY_MS);
    const second = await openPki({ directory, clock: later, random: systemRandom });
    assert.equal(second.ca, first.ca);
    assert.notEqual(second.serving.cert, first.serving.cert);
    assert.notEqual(second.admin.cert, first.admin.cert);
  });

  it('makes a certificate anew when its key was damaged or an address is missing', async () => {
    const clock = new FakeClock();
    const first = await openPki({ directory, clock, random: systemRandom });
    await writeFile(join(directory, 'admin.key'), first.serving.key);
    const second = await openPki({ directory, clock, random: systemRandom, addresses: ['10.0.0.7'] });
    assert.notEqual(second.admin.cert, first.admin.cert);
    assert.ok(new X509Certificate(second.serving.cert).checkIP('10.0.0.7'));
  });

  it('issues certificates for others, and keeps nothing when it has no directory', async () => {
    const pki = await openPki({ clock: new FakeClock(), random: seededRandom(1) });
    const node = await pki.issue({
      commonName: 'system:node:node-1',
      organizations: ['system:nodes'],
      addresses: ['127.0.0.1'],
      usages: ['server', 'client'],
    });
    const certificate = new X509Certificate(node.cert);
    assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:node-1');
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    assert.ok(certificate.verify(new X509Certificate(pki.ca).publicKey));
  });

  it('writes a kubeconfig for its owner only', async () => {
    const pki = await openPki({ clock: new FakeClock(), random: systemRandom });
    const file = join(directory, 'sub', 'kubeconfig');
    await writeKubeconfig(file, { server: 'https://127.0.0.1:1', ca: pki.ca, client: pki.admin });
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.match(await readFile(file, 'utf8'), /^current-context: stowage$/m);
  });

  it('writes a kubeconfig to no file that somebody else has put there', async () => {
    const pki = await openPki({ clock: new FakeClock(), random: systemRandom });
    const file = join(directory, 'kubeconfig');
    const other = join(directory, 'other');
    await writeFile(other, 'mine');
    await symlink(other, `${file}.new`);
    const options = { server: 'https://127.0.0.1:1', ca: pki.ca, client: pki.admin };
    await writeKubeconfig(file, options);
    assert.equal(await readFile(other, 'utf8'), 'mine');
    await writeFile(`${file}.new`, '', { mode: 0o666 });
    const { ino } = await stat(`${file}.new`);
    const held = await open(`${file}.new`);
    await writeKubeconfig(file, options);
    assert.equal((await held.stat()).size, 0);
    assert.notEqual((await stat(file)).ino, ino);
    await held.close();
  });
});
