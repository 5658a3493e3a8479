import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLogger, systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/linux/index.ts';
import { type Container, configMaps, notFound, secrets } from '../../kube/index.ts';
import type { PodDependencies } from './dependencies.ts';
import { environmentFileValue } from './env-file.ts';
import { resolveEnvironment } from './environment.ts';
import { environmentSources } from './environment-sources.ts';
import { pod } from './fixtures.ts';

const place = { nodeName: 'node-1', hostIp: '127.0.0.1', podIp: '127.0.0.1', allocatable: {} };

describe('the environment', () => {
  const reads: string[] = [];
  const sources = {
    configMap: async (name: string) => {
      reads.push(name);
      if (name === 'none') throw notFound(configMaps, name);
      return { data: { key: 'value', other: 'o' } };
    },
    secret: async (name: string) => {
      if (name === 'none') throw notFound(secrets, name);
      return { data: { password: Buffer.from('hush').toString('base64') } };
    },
    services: async () => [],
    fromFile: async (volumeName: string, path: string, key: string) => ({
      value: key === 'SET' ? 'from file' : '',
      path: `/volumes/${volumeName}/${path}`,
    }),
  };
  const resolve = (container: Partial<Container>) =>
    resolveEnvironment(pod(), { name: 'main', ...container }, place, sources);
  const file = (key: string, optional?: boolean) => ({
    fileKeyRef: { volumeName: 'config', path: 'env', key, optional },
  });

  it('takes literals, references and whole maps, later ones over earlier ones', async () => {
    const environment = await resolve({
      envFrom: [{ prefix: 'P_', configMapRef: { name: 'map' } }, { secretRef: { name: 's' } }],
      env: [
        { name: 'A', value: 'a' },
        { name: 'B', value: '$(A)-$(password)' },
        { name: 'C', valueFrom: { configMapKeyRef: { name: 'map', key: 'key' } } },
        { name: 'D', valueFrom: { secretKeyRef: { name: 's', key: 'gone', optional: true } } },
        { name: 'E', valueFrom: file('SET') },
        { name: 'F', valueFrom: file('UNSET', true) },
        { name: 'P_other', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
      ],
    });
    assert.deepEqual(Object.fromEntries(environment), {
      P_key: 'value',
      P_other: 'u1',
      password: 'hush',
      A: 'a',
      B: 'a-hush',
      C: 'value',
      E: 'from file',
    });
    assert.deepEqual(reads, ['map'], 'what several variables come from is read once');
  });

  const refusals: [string, Partial<Container>, string][] = [
    ['a map', { envFrom: [{ configMapRef: { name: 'none' } }] }, 'configmap "none" not found'],
    ['a secret', { envFrom: [{ secretRef: { name: 'none' } }] }, 'secret "none" not found'],
    [
      'the map of a key',
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'none', key: 'k' } } }] },
      'configmap "none" not found',
    ],
    [
      'the secret of a key',
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'none', key: 'k' } } }] },
      'secret "none" not found',
    ],
    [
      'a key of a map',
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'map', key: 'gone' } } }] },
      "couldn't find key gone in ConfigMap default/map",
    ],
    [
      'a key of a secret',
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'gone' } } }] },
      "couldn't find key gone in Secret default/s",
    ],
    [
      'a variable of a file',
      { env: [{ name: 'A', valueFrom: file('UNSET') }] },
      'environment variable key "UNSET" not found in file "/volumes/config/env"',
    ],
    [
      'a container',
      {
        env: [{ name: 'A', valueFrom: { resourceFieldRef: { containerName: 'x', resource: 'limits.cpu' } } }],
      },
      'container x not found',
    ],
  ];
  for (const [what, container, message] of refusals)
    it(`says in the kubelet's words that ${what} is missing`, () =>
      assert.rejects(resolve(container), { message }));

  it('goes without what is optional', async () => {
    const environment = await resolve({
      envFrom: [
        { configMapRef: { name: 'none', optional: true } },
        { secretRef: { name: 'none', optional: true } },
      ],
      env: [
        { name: 'A', valueFrom: { configMapKeyRef: { name: 'none', key: 'k', optional: true } } },
        { name: 'B', valueFrom: { configMapKeyRef: { name: 'map', key: 'gone', optional: true } } },
      ],
    });
    assert.equal(environment.size, 0);
  });
});

describe('a file of environment variables', () => {
  const text = `# a comment
  ONE='1'   # behind
\tTWO='a=b #no comment $HOME \\n'

MANY='first
  second
third'
EMPTY=
BLANK= 'x'
TWICE='a'
TWICE='b'
`;
  const values: [string, string][] = [
    ['ONE', '1'],
    ['TWO', 'a=b #no comment $HOME \\n'],
    ['MANY', 'first\n  second\nthird'],
    ['BLANK', ''],
    ['TWICE', 'a'],
    ['NONE', ''],
  ];
  for (const [key, value] of values)
    it(`${key} is ${JSON.stringify(value)}`, () =>
      assert.equal(environmentFileValue(text.replace('EMPTY=\n', ''), key), value));

  const refusals: [string, string][] = [
    ['A', "at line 1: missing '='"],
    ["A='1'\n='2'", 'at line 2: empty variable name'],
    ["B ='2'", "at line 1: whitespace before '=' is not allowed"],
    ['B=2', 'at line 1: value must be enclosed in single quotes'],
    ['B=', 'at line 1: value must be enclosed in single quotes'],
    ["B='2' 3", 'at line 1: unexpected content after closing quote'],
    ["B='2\n3' 4", 'at line 2: unexpected content after closing quote'],
    ["\nB='2\n3\n", 'starting at line 2: unclosed single quote'],
  ];
  for (const [refused, why] of refusals)
    it(`refuses ${JSON.stringify(refused)}`, () =>
      assert.throws(() => environmentFileValue(refused, 'X'), {
        message: `invalid environment variable format ${why}`,
      }));

  it('is read in the volume and nowhere else, and only if it is a file', async (test) => {
    const directory = await mkdtemp(join(tmpdir(), 'stowage-env-'));
    test.after(() => rm(directory, { recursive: true }));
    const volume = join(directory, 'volume');
    await mkdir(join(volume, 'd'), { recursive: true });
    await writeFile(join(directory, 'outside'), "A='stolen'\n");
    await writeFile(join(volume, 'd', 'env'), "A='own'\n");
    await symlink('d', join(volume, 'inner'));
    await symlink('../outside', join(volume, 'out'));
    await symlink('..', join(volume, 'up'));
    await writeFile(join(volume, 'huge'), '');
    await truncate(join(volume, 'huge'), 2 ** 21);
    const dependencies = {
      host: createLinuxHost({ clock: systemClock }),
      log: silentLogger,
    } as PodDependencies;
    const volumes = new Map([['v', { hostPath: volume, readOnly: false, specName: 'v' }]]);
    const { fromFile } = environmentSources(dependencies, pod(), volumes);
    assert.equal((await fromFile('v', 'd/env', 'A')).value, 'own');
    assert.equal((await fromFile('v', 'inner/env', 'A')).value, 'own');
    for (const path of ['out', 'up/outside', 'd', 'huge', 'none'])
      await assert.rejects(fromFile('v', path, 'A'), { message: "couldn't parse env file" }, path);
    await assert.rejects(fromFile('w', 'env', 'A'), {
      message: 'cannot find the volume "w" referenced by FileKeyRef',
    });
  });
});
