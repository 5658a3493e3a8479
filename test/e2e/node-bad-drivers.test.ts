import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { cannotMount, kubectlUntil } from '../support/command.ts';
import { fileWritten } from '../support/file-written.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, scriptPod, sleepingPod } from '../support/manifests.ts';
import { MockDriver } from '../support/mock-driver.ts';
import { type Misdeed, RogueDriver } from '../support/rogue-driver.ts';
import { scrub } from '../support/scrub.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const DRIVER = 'rogue.csi.example.com';
const host = createLinuxHost({ clock: systemClock });

/** A volume that is there already, with its claim. */
const staticPair = (name: string) => [
  {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      capacity: { storage: '1Mi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: '',
      persistentVolumeReclaimPolicy: 'Retain',
      csi: { driver: DRIVER, volumeHandle: name },
    },
  },
  claimOf(name, '1Mi', { storageClassName: '', volumeName: name }),
];

describe('drivers that do wrong', { skip: cannotMount }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-rogue-'));
  const flexDirectory = join(directory, 'exec');
  let mock: MockDriver;
  let rogue: RogueDriver;
  const flags = ['--csi-driver', `unix://${directory}/rogue.sock`, '--volume-plugin-dir', flexDirectory];

  before(async () => {
    mock = await MockDriver.serve({
      name: DRIVER,
      directory: join(directory, 'driver'),
      attaches: true,
      stages: true,
    });
    rogue = await RogueDriver.serve(directory, mock.endpoint);
  });
  const cluster = suiteCluster(flags);
  after(async () => {
    rogue?.stop();
    await mock?.stop();
    await scrub(directory);
  });

  const EVENT = 'jsonpath={.type} {.reason} {.message}{"\\n"}';
  const told = (pod: string, says: RegExp) =>
    kubectlUntil(
      cluster.kubeconfig,
      ['get', 'events', '-w', '--field-selector', `involvedObject.name=${pod}`, '-o', EVENT],
      says,
      { limitMs: 60_000 },
    );
  const runs = (name: string) => cluster.k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
  const phase = (name: string) => cluster.k('get', 'pod', name, '-o', 'jsonpath={.status.phase}');
  /** Others on the node have nothing to do with it. */
  const othersRun = async () => {
    const { k, apply } = cluster;
    await apply(scriptPod('other', 'exec sleep 3600', { scratch: { emptyDir: {} } }));
    await runs('other');
    await k('delete', 'pod', 'other', '--timeout=60s');
    await cluster.gone('pod/other');
  };
  const allGone = async (...pairs: string[]) => {
    const { k } = cluster;
    await k('delete', 'pods', '--all', '--timeout=60s');
    if (pairs.length > 0) await k('delete', 'pv,pvc', ...pairs, '--timeout=60s');
    await k('delete', 'events', '--all');
    // One is unstaged a little after its last pod has gone, and only then detached.
    await cluster.gone('volumeattachments');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
    assert.deepEqual(await mountsOfDriver(), []);
  };
  const mountsOfDriver = async () =>
    (await host.mounts.list())
      .map(({ target }) => target)
      .filter((target) => target.startsWith(cluster.directory) && target.includes(DRIVER));
  const misbehaves = (method: string, misdeed: Misdeed) => rogue.misdeeds.set(method, misdeed);

  for (const method of ['NodeStageVolume', 'NodePublishVolume'])
    it(`a CSI driver that hangs in ${method}: its pod waits, others run, and it goes on when the driver does`, async () => {
      const { apply } = cluster;
      misbehaves(method, 'hang');
      await apply(...staticPair('slow'), sleepingPod('slow', ['slow']));
      await rogue.hasDone(method, 'hang');
      await othersRun();
      assert.equal(await phase('slow'), 'Pending');
      rogue.behave();
      await told(
        'slow',
        /^Warning FailedMount MountVolume\.\w+ failed for volume "slow" : rpc error: code = Unavailable desc = the driver was lost$/,
      );
      await runs('slow');
      await allGone('slow');
    });

  for (const method of ['NodeStageVolume', 'NodePublishVolume'])
    it(`a CSI driver that answers ${method} with garbage: its pod is told, others run, and it runs once the driver speaks`, async () => {
      const { apply } = cluster;
      misbehaves(method, 'garbage');
      await apply(...staticPair('noise'), sleepingPod('noise', ['noise']));
      await told(
        'noise',
        /^Warning FailedMount MountVolume\.\w+ failed for volume "noise" : rpc error: code = Internal desc = /,
      );
      await othersRun();
      rogue.behave();
      await runs('noise');
      await allGone('noise');
    });

  it('a CSI driver that has published nothing, and says it has: its pod does not run, and is told', async () => {
    const { k, apply } = cluster;
    misbehaves('NodePublishVolume', 'lie');
    await apply(...staticPair('lie'), sleepingPod('lie', ['lie']));
    await told('lie', /^Warning Failed Error: .*\/lie\/mount/);
    await othersRun();
    assert.notEqual(await k('get', 'pod', 'lie', '-o', 'jsonpath={..ready}'), 'true');
    // That there is nothing to unpublish holds up nobody.
    rogue.behave();
    await allGone('lie');
  });

  for (const method of ['NodeUnpublishVolume', 'NodeUnstageVolume'])
    it(`a CSI driver that says ${method} is done while all is still mounted: nothing is taken away, until it is true`, async () => {
      const { k, apply } = cluster;
      const name = `kept-from-${method.toLowerCase()}`;
      await apply(
        ...staticPair(name),
        scriptPod(name, 'echo precious > /data/file; exec sleep 3600', {
          data: { persistentVolumeClaim: { claimName: name } },
        }),
      );
      await runs(name);
      const written = join(directory, 'driver', 'volumes', name, 'file');
      assert.equal(await fileWritten(written), 'precious');
      misbehaves(method, 'lie');
      await k('delete', 'pod', name, '--wait=false');
      await rogue.hasDone(method, 'lie');
      await othersRun();
      assert.equal(await readFile(written, 'utf8'), 'precious\n');
      assert.notDeepEqual(await mountsOfDriver(), []);
      rogue.behave();
      await cluster.gone(`pod/${name}`);
      assert.equal(await readFile(written, 'utf8'), 'precious\n');
      await allGone(name);
    });

  describe('FlexVolumes', () => {
    /** A driver whose `mount` is a line of shell; its pid is in DIRECTORY/pid meanwhile. */
    const install = async (mount: string) => {
      const at = join(flexDirectory, 'example.com~rogue');
      await mkdir(at, { recursive: true });
      const temporary = join(directory, 'rogue.new');
      await writeFile(
        temporary,
        `#!/bin/sh
case $1 in
init) echo '{"status":"Success","capabilities":{"attach":false}}' ;;
mount) echo $$ > ${directory}/pid; ${mount} ;;
unmount) umount "$2" 2>/dev/null; echo '{"status":"Success"}' ;;
*) echo '{"status":"Not supported"}' ;;
esac
`,
      );
      await chmod(temporary, 0o755);
      // Whole or not at all: it is probed as soon as it is there.
      await rename(temporary, join(at, 'rogue'));
    };
    const GOOD = `mount -t tmpfs tmpfs "$2" && echo '{"status":"Success"}'`;
    const flexPod = (name: string) =>
      scriptPod(name, 'exec sleep 3600', { data: { flexVolume: { driver: 'example.com/rogue' } } });

    it('one that hangs: its pod waits, others run, and it goes on when somebody ends the driver', async () => {
      await install('exec sleep 3600');
      await cluster.apply(flexPod('flex'));
      const pid = Number(await fileWritten(join(directory, 'pid')));
      await othersRun();
      assert.equal(await phase('flex'), 'Pending');
      await install(GOOD);
      process.kill(pid, 'SIGKILL');
      await told('flex', /^Warning FailedMount MountVolume\.SetUp failed for volume "data" : /);
      await runs('flex');
      await allGone();
    });

    it('one that talks nonsense: its pod is told, and runs once the driver makes sense', async () => {
      await install('echo "mounted, I believe"');
      await cluster.apply(flexPod('flex'));
      await told(
        'flex',
        /^Warning FailedMount MountVolume\.SetUp failed for volume "data" : mount command failed: the driver wrote 19 bytes that are not JSON;/,
      );
      await othersRun();
      await install(GOOD);
      await runs('flex');
      await allGone();
    });

    it('one that has mounted nothing, and says it has: it holds up nobody, and leaves nothing', async () => {
      await install(`echo '{"status":"Success"}'`);
      await cluster.apply(flexPod('flex'));
      await runs('flex');
      await othersRun();
      await allGone();
    });
  });
});
