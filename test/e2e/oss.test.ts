import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { type ObjectStore, startObjectStore } from '../../src/drivers/oss/object-store.test-support.ts';
import { cannotMountWith, mountsBelow, processesOf } from '../../src/drivers/oss/test-support.ts';
import { cannotMount, kubectl, kubectlUntil, stowage, type Up, up, waitGone } from '../support/command.ts';
import { type DriverProcess, startDriver } from '../support/disk-driver-process.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { listOf } from '../support/kubectl-session.ts';
import { claimOf, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
import { scrub } from '../support/scrub.ts';

const NAME = 'oss.csi.stowage.dev';
const DRIVER_MANIFEST = fileURLToPath(new URL('../../deploy/oss/driver.yaml', import.meta.url));
const NODES = ['node-1', 'node-2'];

/** The CSIDriver object that is deployed: one that asks to be published again. */
async function driverObject(): Promise<object> {
  const documents = parseAllDocuments(await readFile(DRIVER_MANIFEST, 'utf8')).map((document) =>
    document.toJS(),
  );
  return documents.find(({ kind }) => kind === 'CSIDriver');
}

for (const mounter of ['s3fs', 'rclone']) {
  const skip = cannotMount || cannotMountWith(mounter);
  describe(`one bucket in pods of two nodes, mounted by ${mounter}`, { skip, timeout: 600_000 }, () => {
    let directory: string;
    let store: ObjectStore;
    let stack: Up;
    const drivers = new Map<string, DriverProcess>();
    const k = (...args: string[]) => kubectl(stack.kubeconfig, args);
    const apply = (list: object) =>
      kubectl(stack.kubeconfig, ['apply', '-f', '-'], { input: JSON.stringify(list) });
    const stateDir = (node: string) => join(directory, `state-${node}`);
    const socket = (node: string) => `unix://${join(directory, `${node}.sock`)}`;
    /** A pod on a node that writes a file of its own, waits until the other's is there, and says what is in it. */
    const writer = (node: string, other: string) =>
      scriptPod(
        node,
        `echo from ${node} > /data/${node}; until grep from /data/${other} 2>/dev/null; do sleep 0.2; done; exec sleep infinity`,
        { data: volumeOf('data') },
        { spec: { nodeSelector: { 'kubernetes.io/hostname': node } } },
      );
    const says = async (pod: string, words: RegExp) => {
      await k('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=50s');
      await kubectlUntil(stack.kubeconfig, ['logs', '-f', pod], words, { limitMs: 60_000 });
    };

    before(async () => {
      await requireKubectl();
      directory = await mkdtemp(join(tmpdir(), 'stowage-oss-'));
      store = await startObjectStore();
      for (const node of NODES)
        drivers.set(
          node,
          await startDriver('oss', [
            ...['--endpoint', socket(node), '--node-id', node, '--state-dir', stateDir(node)],
            ...['--log-level', 'debug'],
          ]),
        );
      stack = await up(directory, [
        ...['--nodes', '2', '--log-level', 'info'],
        ...NODES.flatMap((node) => ['--csi-driver', `${node}=${socket(node)}`]),
      ]);
      const references = ['provisioner', 'node-stage', 'node-publish'].flatMap((call) => [
        [`csi.storage.k8s.io/${call}-secret-name`, 'oss'],
        [`csi.storage.k8s.io/${call}-secret-namespace`, 'default'],
      ]);
      await apply(
        listOf(
          await driverObject(),
          { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'oss' }, stringData: store.secrets },
          storageClass('oss', NAME, {
            parameters: { bucket: 'shared', mounter, ...Object.fromEntries(references) },
          }),
          claimOf('data', '1Gi', { storageClassName: 'oss', accessModes: ['ReadWriteMany'] }),
        ),
      );
    });
    after(async () => {
      await stack?.end('SIGTERM');
      for (const driver of drivers.values()) await driver.end('SIGKILL');
      if (directory) await scrub(directory);
      await store?.close();
    });

    it('each reads what the other has written', async () => {
      await apply(listOf(writer('node-1', 'node-2'), writer('node-2', 'node-1')));
      await says('node-1', /^from node-2$/);
      await says('node-2', /^from node-1$/);
      const volume = await k('get', 'pvc', 'data', '-o', 'jsonpath={.spec.volumeName}');
      assert.equal(await store.s3.read('shared', `${volume}/node-1`), 'from node-1\n');
      assert.equal(await k('get', 'volumeattachments', '-o', 'name'), '');
    });

    it('a client that dies is replaced when the volume is published next', async () => {
      const [pid] = processesOf(stateDir('node-1'));
      process.kill(pid!, 'SIGKILL');
      await apply(
        listOf(
          scriptPod(
            'reader',
            'cat /data/node-1; exec sleep infinity',
            { data: volumeOf('data') },
            {
              spec: { nodeSelector: { 'kubernetes.io/hostname': 'node-1' } },
            },
          ),
        ),
      );
      await says('reader', /^from node-1$/);
      assert.notDeepEqual(processesOf(stateDir('node-1')), [pid]);
    });

    it('nothing is left when all is deleted, and the secret is in no log', async () => {
      await k('delete', 'pod/reader', 'pod/node-1', 'pod/node-2', 'pvc/data');
      await waitGone(stack.kubeconfig, 'pv');
      assert.deepEqual(await store.keys('shared'), []);
      for (const node of NODES) assert.deepEqual(processesOf(stateDir(node)), []);
      const fuse = mountsBelow(directory).filter((target) => target.includes(NAME));
      assert.deepEqual(fuse, []);
      const { stdout, stderr } = stack.output();
      const said = [stdout, stderr, ...[...drivers.values()].map((driver) => driver.log())].join('\n');
      assert.match(said, /NodeStageVolume/);
      assert.ok(!said.includes(store.account.secretAccessKey), 'the secret is in a log');
    });
  });
}

describe('stowage verify', { skip: cannotMount || cannotMountWith('s3fs'), timeout: 600_000 }, () => {
  it('finds nothing wrong with the driver, on a bucket that all volumes share', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'stowage-oss-'));
    const store = await startObjectStore();
    t.after(async () => {
      await scrub(directory);
      await store.close();
    });
    const socket = `unix://${join(directory, 'csi.sock')}`;
    const driver = await startDriver('oss', [
      ...['--endpoint', socket, '--node-id', 'n1', '--state-dir', join(directory, 'state')],
      ...['--log-level', 'silent'],
    ]);
    t.after(() => driver.end('SIGKILL'));
    const calls = ['CreateVolume', 'DeleteVolume', 'ControllerValidateVolumeCapabilities'];
    const secrets = [...calls, 'NodeStageVolume', 'NodePublishVolume'].map((call) => [
      `${call}Secret`,
      store.secrets,
    ]);
    const [secretsFile, parametersFile] = [
      join(directory, 'secrets.json'),
      join(directory, 'parameters.json'),
    ];
    await writeFile(secretsFile, JSON.stringify(Object.fromEntries(secrets)));
    await writeFile(parametersFile, JSON.stringify({ bucket: 'shared', prefix: 'verify' }));
    const { code, stdout, stderr } = await stowage(
      [
        ...['verify', '--csi-address', socket, '--no-life-cycle'],
        ...['--secrets-file', secretsFile, '--parameters-file', parametersFile],
      ],
      { limitMs: 360_000 },
    );
    assert.equal(code, 0, `${stdout}${stderr}`);
    assert.match(stdout, /\n[5-9]\d passed, 0 failed, 0 blocked/);
    assert.deepEqual(await store.keys('shared'), []);
    assert.deepEqual(mountsBelow(directory), []);
  });
});
