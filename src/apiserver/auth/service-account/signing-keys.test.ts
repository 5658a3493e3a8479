import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openSigningKeys } from './index.ts';
import { request, startTokens } from './test-support.ts';

async function directoryOf(test: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-sa-'));
  test.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

describe('the signing key', () => {
  it('is made once, for its owner only, and kept', async (test) => {
    const directory = await directoryOf(test);
    const first = await openSigningKeys(directory);
    assert.equal((await stat(join(directory, 'sa.key'))).mode & 0o777, 0o600);
    const second = await openSigningKeys(directory);
    assert.equal(second.signing.id, first.signing.id);
    assert.match(first.signing.id, /^[\w-]{43}$/);
  });

  it('can be changed: what the former one signed stays valid while its file is there', async (test) => {
    const directory = await directoryOf(test);
    const before = await startTokens({ keys: await openSigningKeys(directory) });
    const { token } = (await request(before.client)).status!;
    await rename(join(directory, 'sa.key'), join(directory, 'sa-2025.key'));

    const keys = await openSigningKeys(directory);
    assert.equal(keys.verification.length, 2);
    assert.notEqual(keys.signing.id, before.keys.signing.id);
    const after = await startTokens({ keys });
    assert.ok(await after.tokens.authenticate(token));

    const former = await readFile(join(directory, 'sa-2025.key'));
    await rm(join(directory, 'sa-2025.key'));
    const without = await startTokens({ keys: await openSigningKeys(directory) });
    await assert.rejects(without.tokens.authenticate(token), /invalid signature, no keys found/);

    const publicKey = createPublicKey(former).export({ type: 'spki', format: 'pem' });
    await writeFile(join(directory, 'sa-2025.pub'), publicKey);
    const again = await startTokens({ keys: await openSigningKeys(directory) });
    assert.ok(await again.tokens.authenticate(token));
  });

  it('may be an RSA key that somebody brings', async (test) => {
    const directory = await directoryOf(test);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(join(directory, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
    const { client, tokens, keys } = await startTokens({ keys: await openSigningKeys(directory) });
    assert.equal(keys.signing.algorithm, 'RS256');
    assert.ok(await tokens.authenticate((await request(client)).status.token));
    const config = tokens.openIdConfiguration('https://x/openid/v1/jwks') as Record<string, unknown>;
    assert.deepEqual(config.id_token_signing_alg_values_supported, ['RS256']);
  });

  it('says what is wrong with a file, and does not replace it', async (test) => {
    const directory = await directoryOf(test);
    const path = join(directory, 'sa.key');
    await writeFile(path, 'nonsense');
    await assert.rejects(
      openSigningKeys(directory),
      /the key .*sa\.key for service account tokens cannot be used: .*restore it, or move it away/,
    );
    assert.equal(await readFile(path, 'utf8'), 'nonsense');
    const { privateKey } = generateKeyPairSync('ed25519');
    await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await assert.rejects(openSigningKeys(directory), /a ed25519 key cannot sign tokens; use RSA or P-256/);
  });
});

describe('the published keys', () => {
  it('are the public halves, with the ids that tokens name', async () => {
    const { tokens, keys } = await startTokens();
    const { keys: published } = tokens.keySet() as { keys: Record<string, string>[] };
    assert.equal(published.length, 1);
    assert.deepEqual(Object.keys(published[0]!).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    assert.equal(published[0]!.kid, keys.signing.id);
  });
});
