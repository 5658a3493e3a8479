import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { silentLogger, systemClock, systemRandom } from '../../../base/index.ts';
import { configMaps, secrets } from '../../../kube/index.ts';
import { createLocalClient, createRegistry, openStore, readEncryption } from '../../index.ts';
import { type Encryption, parseEncryption, ruleFor } from './config.ts';
import { aesGcm, isEncrypted, keyNameOf } from './transformer.ts';

const KEY = (byte: number, length = 32) => Buffer.alloc(length, byte).toString('base64');
const aesgcm = (...keys: [name: string, byte: number][]) => ({
  aesgcm: { keys: keys.map(([name, byte]) => ({ name, secret: KEY(byte) })) },
});
const configuration = (...providers: object[]) => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [{ resources: ['secrets'], providers }],
});
const identity = { identity: {} };

describe('a sealed value', () => {
  const sealer = aesGcm({ name: 'one', secret: Buffer.alloc(32, 1) });

  it('opens in its place, with its key, to what it was', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, place) => {
        const sealed = sealer.seal(Buffer.from(bytes), place);
        assert.ok(isEncrypted(sealed));
        assert.equal(keyNameOf(sealed), 'one');
        assert.deepEqual(sealer.open(sealed, place), Buffer.from(bytes));
        assert.throws(() => sealer.open(sealed, `${place}x`));
        const other = aesGcm({ name: 'one', secret: Buffer.alloc(32, 2) });
        assert.throws(() => other.open(sealed, place));
      }),
    );
  });

  it('never looks the same twice, and does not bear a changed byte', () => {
    const value = Buffer.from('the same');
    const sealed = sealer.seal(value, 'p');
    assert.notDeepEqual(sealed, sealer.seal(value, 'p'));
    for (let index = sealed.indexOf(':one:') + 5; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index]! ^= 1;
      assert.throws(() => sealer.open(changed, 'p'), `byte ${index}`);
    }
  });
});

describe('the configuration', () => {
  it('finds the first rule for a resource', () => {
    const rule = (...resources: string[]) => ({ resources, transformers: [] });
    const encryption: Encryption = [rule('secrets', '*.apps'), rule('*.'), rule('*.*')];
    const found = (resource: string) => encryption.indexOf(ruleFor(encryption, resource)!);
    assert.deepEqual(['secrets', 'statefulsets.apps', 'pods', 'jobs.batch'].map(found), [0, 0, 1, 2]);
    assert.equal(ruleFor([rule('secrets')], 'configmaps'), undefined);
  });

  const wrong: [string, unknown, RegExp][] = [
    [
      'another kind',
      { apiVersion: 'v1', kind: 'Secret' },
      /must have apiVersion apiserver\.config\.k8s\.io\/v1/,
    ],
    ['nothing', null, /the document must be an object/],
    ['no providers', configuration(), /resources\[0\]\.providers must be a list with at least one entry/],
    ['two in one', configuration({ ...identity, ...aesgcm(['a', 1]) }), /must have exactly one provider/],
    ['another provider', configuration({ aescbc: {} }), /aescbc is not supported; use aesgcm or identity/],
    [
      'a short key',
      configuration({ aesgcm: { keys: [{ name: 'a', secret: KEY(1, 31) }] } }),
      /providers\[0\]\.aesgcm\.keys\[0\]\.secret must be 16, 24 or 32 random bytes in base64/,
    ],
    [
      'a key that is no base64',
      configuration({ aesgcm: { keys: [{ name: 'a', secret: '!'.repeat(44) }] } }),
      /in base64/,
    ],
    [
      'two of one name',
      configuration(aesgcm(['a', 1], ['a', 2])),
      /two keys for one resource have the name a$/,
    ],
    ['a colon', configuration(aesgcm(['a:b', 1])), /must not contain a colon/],
  ];
  for (const [what, document, message] of wrong)
    it(`refuses ${what}`, () => {
      assert.throws(() => parseEncryption(document), message);
    });

  it('tells nothing of a file that it cannot read', async (test) => {
    const file = join(temporaryDirectory(test), 'keys.yaml');
    writeFileSync(file, `a: [${KEY(1)}`);
    await assert.rejects(readEncryption(file), (error: Error) => {
      assert.equal(error.name, 'EncryptionKeyError');
      assert.equal(error.message, `--encryption-key-file ${file}: it is not YAML`);
      return true;
    });
    await assert.rejects(readEncryption(`${file}.none`), /it cannot be read: ENOENT/);
  });
});

describe('secrets in the data directory', () => {
  it('are not readable there, and are again with the key', async (test) => {
    const dir = temporaryDirectory(test);
    const keys = parseEncryption(configuration(aesgcm(['one', 1])));
    await withClient(dir, keys, async (client) => {
      await client.create(secrets, secretNamed('a'));
      await client.create(configMaps, {
        metadata: { namespace: 'default', name: 'm' },
        data: { k: 'plainly' },
      });
      assert.equal(contains(dir, HUSH), false, 'while it runs');
      assert.equal(contains(dir, 'plainly'), true, 'the search finds what is there');
    });
    assert.equal(contains(dir, HUSH), false);
    assert.equal(contains(dir, 'k8s:enc:aesgcm:v1:one:'), true);
    await withClient(dir, keys, async (client) => {
      const { data } = await client.get(secrets, { namespace: 'default', name: 'a' });
      assert.equal(data?.password, HUSH);
    });
  });

  it('that were there before are encrypted at the start, and nothing plain is left', async (test) => {
    const dir = temporaryDirectory(test);
    await withClient(dir, [], async (client) => void (await client.create(secrets, secretNamed('a'))));
    assert.equal(contains(dir, HUSH), true);
    const only = parseEncryption(configuration(aesgcm(['one', 1])));
    await refuses(
      dir,
      only,
      /secrets default\/a in the data directory is not encrypted, and .* add "- identity: \{\}"/,
    );
    const keys = parseEncryption(configuration(aesgcm(['one', 1]), identity));
    await withClient(dir, keys, async (client) => {
      assert.equal(contains(dir, HUSH), false);
      assert.equal((await client.list(secrets)).items.length, 1);
    });
    await withClient(dir, only, async (client) => {
      assert.equal((await client.list(secrets)).items.length, 1);
    });
  });

  it('change their key at the start: then the old one is not needed', async (test) => {
    const dir = temporaryDirectory(test);
    const start = (...keys: [string, number][]) => parseEncryption(configuration(aesgcm(...keys)));
    await withClient(dir, start(['one', 1]), async (client) => {
      await client.create(secrets, secretNamed('a'));
    });
    let version: string | undefined;
    await withClient(dir, start(['two', 2], ['one', 1]), async (client) => {
      version = (await client.get(secrets, { namespace: 'default', name: 'a' })).metadata.resourceVersion;
    });
    assert.equal(contains(dir, ':one:'), false);
    await withClient(dir, start(['two', 2]), async (client) => {
      const { data, metadata } = await client.get(secrets, { namespace: 'default', name: 'a' });
      assert.equal(data?.password, HUSH);
      assert.equal(metadata.resourceVersion, version, 'nobody sees a change');
    });
    await withClient(dir, parseEncryption(configuration(identity, aesgcm(['two', 2]))), async () => {});
    assert.equal(contains(dir, HUSH), true, 'and can be made plain again');
  });

  it('are not touched without their key', async (test) => {
    const dir = temporaryDirectory(test);
    const keys = parseEncryption(configuration(aesgcm(['one', 1])));
    await withClient(dir, keys, async (client) => void (await client.create(secrets, secretNamed('a'))));
    await refuses(
      dir,
      [],
      /^EncryptionKeyError: secrets default\/a in the data directory is encrypted with the key "one", which is not among the keys for secrets; start with --encryption-key-file/,
    );
    await refuses(
      dir,
      parseEncryption(configuration(aesgcm(['other', 2]), identity)),
      /with the key "one", which is not/,
    );
    await refuses(
      dir,
      parseEncryption(configuration(aesgcm(['one', 2]), identity)),
      /cannot be decrypted with the key "one": it is another key of that name/,
    );
    await withClient(dir, keys, async (client) => {
      assert.equal((await client.list(secrets)).items.length, 1);
    });
  });
});

const HUSH = Buffer.from('a secret that nobody else may read').toString('base64');
const secretNamed = (name: string) => ({
  metadata: { namespace: 'default', name },
  data: { password: HUSH },
});

function temporaryDirectory(test: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'stowage-encryption-'));
  test.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function withClient(
  dataDir: string,
  encryption: Encryption,
  work: (client: ReturnType<typeof createLocalClient>) => Promise<void>,
): Promise<void> {
  const store = await openStore({ dataDir, encryption });
  const common = { clock: systemClock, random: systemRandom, log: silentLogger };
  const registry = await createRegistry({ store, ...common });
  try {
    await work(createLocalClient(registry));
  } finally {
    await registry.close();
  }
}

async function refuses(dataDir: string, encryption: Encryption, message: RegExp): Promise<void> {
  await assert.rejects(openStore({ dataDir, encryption }), message);
}

/** Whether any file below a directory holds the text, in whatever page of the database. */
function contains(dir: string, text: string): boolean {
  return readdirSync(dir).some((name) => readFileSync(join(dir, name)).includes(text));
}
