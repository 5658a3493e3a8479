import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { parseConfig } from './config.ts';
import { readConfig } from './config-source.ts';

const { files } = createLinuxHost({ clock: systemClock });
const DISKS = { hostDir: '/mnt/disks', mountDir: '/mnt/disks' };
const AS_READ = {
  ...DISKS,
  blockCleanerCommand: ['/scripts/quick_reset.sh'],
  volumeMode: 'Filesystem',
  namePattern: '*',
  selector: [],
};
const DEFAULTS = {
  storageClassMap: {},
  nodeLabelsForPV: [],
  useJobForCleaning: false,
  jobTolerations: [],
  minResyncPeriodMs: 300_000,
  useNodeNameOnly: false,
  labelsForPV: {},
  setPVOwnerRef: false,
  removeNodeNotReadyTaint: false,
  provisionerNotReadyNodeTaintKey: '',
};

/** As a ConfigMap is mounted: the keys are links to what is in a directory of their own. */
async function mounted(t: TestContext, data: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-local-config-'));
  t.after(() => rm(directory, { recursive: true }));
  await mkdir(join(directory, '..2026_01_01'));
  await symlink('..2026_01_01', join(directory, '..data'));
  for (const [key, value] of Object.entries(data)) {
    await writeFile(join(directory, '..2026_01_01', key), value);
    await symlink(`..data/${key}`, join(directory, key));
  }
  return directory;
}

describe('the configuration of local volumes', () => {
  // Source: TestLoadProvisionerConfigs, and generated_examples of upstream's Helm chart.
  const good: [what: string, data: Record<string, string>, config: object][] = [
    ['nothing', {}, {}],
    [
      'a class and the resync period',
      {
        storageClassMap:
          'local-storage:\n   hostDir: /mnt/disks\n   mountDir: /mnt/disks/\n   fsType: ext4\n',
        useAlphaAPI: 'false',
        minResyncPeriod: '1h30m',
      },
      { storageClassMap: { 'local-storage': { ...AS_READ, fsType: 'ext4' } }, minResyncPeriodMs: 5_400_000 },
    ],
    [
      'a cleaner, a mode and patterns',
      {
        storageClassMap: `local-storage:
   hostDir: /mnt/disks
   mountDir: /mnt/disks
   blockCleanerCommand:
   - "/scripts/shred.sh"
   - 2
   volumeMode: Block
   accessMode: ReadWriteOncePod
   namePattern: nvm*,sdb*
`,
      },
      {
        storageClassMap: {
          'local-storage': {
            ...AS_READ,
            blockCleanerCommand: ['/scripts/shred.sh', '2'],
            volumeMode: 'Block',
            accessMode: 'ReadWriteOncePod',
            namePattern: 'nvm*,sdb*',
          },
        },
      },
    ],
    [
      'further nodes',
      {
        storageClassMap: `local-storage:
   hostDir: /mnt/disks
   mountDir: /mnt/disks
   selector:
     - matchExpressions:
         - key: "kubernetes.io/hostname"
           operator: "In"
           values:
             - otherNode1
`,
      },
      {
        storageClassMap: {
          'local-storage': {
            ...AS_READ,
            selector: [
              {
                matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['otherNode1'] }],
              },
            ],
          },
        },
      },
    ],
    [
      'all the rest, as YAML 1.1 has it',
      {
        useJobForCleaning: 'yes',
        useNodeNameOnly: 'on',
        setPVOwnerRef: 'true',
        nodeLabelsForPV: '- kubernetes.io/hostname\n',
        labelsForPV: 'foo: bar\nnumber: 1\n',
        jobTolerations: '- operator: Exists\n',
        removeNodeNotReadyTaint: 'true',
        provisionerNotReadyNodeTaintKey: 'example.com/not-ready',
      },
      {
        useJobForCleaning: true,
        useNodeNameOnly: true,
        setPVOwnerRef: true,
        nodeLabelsForPV: ['kubernetes.io/hostname'],
        labelsForPV: { foo: 'bar', number: '1' },
        jobTolerations: [{ operator: 'Exists' }],
        removeNodeNotReadyTaint: true,
        provisionerNotReadyNodeTaintKey: 'example.com/not-ready',
      },
    ],
  ];
  for (const [what, data, config] of good)
    it(`is read: ${what}`, async (t) => {
      const expected = { ...DEFAULTS, ...config };
      const directory = await mounted(t, data);
      assert.deepEqual(await readConfig(directory, files), expected);
      const manifest = join(directory, 'manifest.yaml');
      await writeFile(manifest, JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', data }));
      assert.deepEqual(await readConfig(manifest, files), expected);
    });

  it('may be a file of its keys', async (t) => {
    const file = join(await mounted(t, {}), 'config.yaml');
    await writeFile(file, 'setPVOwnerRef: true\nstorageClassMap: {fast: {hostDir: /a, mountDir: /b}}\n');
    assert.deepEqual(await readConfig(file, files), {
      ...DEFAULTS,
      setPVOwnerRef: true,
      storageClassMap: { fast: { ...AS_READ, hostDir: '/a', mountDir: '/b' } },
    });
  });

  const disks = (more: object) => ({ storageClassMap: { fast: { ...DISKS, ...more } } });
  const bad: [what: string, keys: Record<string, unknown>, message: RegExp][] = [
    ['a wrong mode', disks({ volumeMode: 'WrongFilesystem' }), /^unsupported volume mode WrongFilesystem$/],
    [
      'no mountDir',
      { storageClassMap: { fast: { hostDir: '/mnt' } } },
      /^Storage Class fast is misconfigured, missing HostDir or MountDir parameter$/,
    ],
    [
      'no command',
      disks({ blockCleanerCommand: [] }),
      /^Invalid empty block cleaner command for class fast$/,
    ],
    [
      'a misspelt key',
      disks({ namePatern: 'a*' }),
      /^storageClassMap: fast: there is no key "namePatern"; there are hostDir, /,
    ],
    ['a key that there is not', { storageClasses: {} }, /^there is no key "storageClasses"; there are /],
    ['a path that is not absolute', disks({ mountDir: 'mnt' }), /mountDir: mnt is not an absolute path$/],
    ['a pattern that is none', disks({ namePattern: 'a*,[' }), /namePattern "\[": syntax error in pattern$/],
    ['an access mode that there is not', disks({ accessMode: 'RWO' }), /accessMode RWO is none of /],
    ['a list for a mapping', { storageClassMap: [] }, /^storageClassMap: it must be a mapping$/],
    ['a text for a list', { nodeLabelsForPV: 'a' }, /^nodeLabelsForPV: it must be a list$/],
    ['a text for a bool', { setPVOwnerRef: 'perhaps' }, /^setPVOwnerRef: it must be true or false$/],
    [
      'no duration',
      { minResyncPeriod: '5 minutes' },
      /^minResyncPeriod: it must be a duration such as 5m0s$/,
    ],
    ['the alpha API', { useAlphaAPI: true }, /^useAlphaAPI: it is for Kubernetes before 1.10/],
    ['a taint without a key', { removeNodeNotReadyTaint: true }, /provisionerNotReadyNodeTaintKey/],
  ];
  for (const [what, keys, message] of bad)
    it(`is refused: ${what}`, () => assert.throws(() => parseConfig(keys), { name: 'ConfigError', message }));

  it('names its path when it cannot be used', async (t) => {
    const directory = await mounted(t, { storageClassMap: 'a: [' });
    await assert.rejects(readConfig(directory, files), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`^the configuration ${directory} cannot be used: storageClassMap: `),
      );
      return true;
    });
    await assert.rejects(readConfig(join(directory, 'none'), files), /none cannot be used: ENOENT/);
    const secret = join(directory, 'secret.yaml');
    await writeFile(secret, 'kind: Secret\n');
    await assert.rejects(readConfig(secret, files), /it is a Secret, and a ConfigMap is wanted/);
  });
});
