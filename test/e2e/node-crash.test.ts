import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { cannotMount, EXAMPLE, kubectl, kubectlUntil, waitGone } from '../support/command.ts';
import { inDirectory } from '../support/in-directory.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { listOf } from '../support/kubectl-session.ts';
import { leftOnMachine } from '../support/left.ts';
import { type Moment, mortalCluster } from '../support/mortal-cluster.ts';
import { processesNaming } from '../support/scrub.ts';

const host = createLinuxHost({ clock: systemClock });

/** At what calls the node dies while a pod gets its volume. The volume is a blank one where it is formatted. */
const COMING: readonly Moment[] = [
  { when: 'before', call: 'loops.attach', at: '' },
  { when: 'after', call: 'loops.attach', at: '' },
  { when: 'before', call: 'files.makeDirectory', at: 'globalmount\\b' },
  { when: 'after', call: 'files.writeAtomic', at: '/plugins/.*vol_data.json' },
  { when: 'before', call: 'disks.format', at: '' },
  { when: 'after', call: 'disks.format', at: '' },
  { when: 'before', call: 'mounts.mount', at: 'globalmount","fsType' },
  { when: 'after', call: 'mounts.mount', at: 'globalmount","fsType' },
  { when: 'after', call: 'files.writeAtomic', at: '/pods/.*vol_data.json' },
  { when: 'before', call: 'mounts.mount', at: 'target":"[^"]*/pods/.*~csi' },
  { when: 'after', call: 'mounts.mount', at: 'target":"[^"]*/pods/.*~csi' },
];

/** And while the volume is taken away. */
const GOING: readonly Moment[] = [
  { when: 'before', call: 'mounts.unmount', at: '/pods/.*~csi' },
  { when: 'after', call: 'mounts.unmount', at: '/pods/.*~csi' },
  { when: 'before', call: 'files.removeFile', at: '/pods/.*vol_data.json' },
  { when: 'after', call: 'files.removeDirectory', at: '/pods/.*~csi/[^/]*$' },
  { when: 'before', call: 'files.removeDirectory', at: '/pods/[^/ ]*$' },
  { when: 'before', call: 'mounts.unmount', at: 'globalmount\\b' },
  { when: 'after', call: 'mounts.unmount', at: 'globalmount\\b' },
  { when: 'after', call: 'files.removeFile', at: '/plugins/.*vol_data.json' },
  { when: 'before', call: 'loops.detach', at: '' },
  { when: 'after', call: 'loops.detach', at: '' },
];

const claim = (name: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'stowage-disk',
    resources: { requests: { storage: '16Mi' } },
  },
});

/** Fills its volume when it is empty, says what the content's checksum is, and stays. `tag` is in its command line. */
const pod = (name: string, claimName: string, tag: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'c',
        image: 'host',
        command: ['sh', '-c'],
        args: [
          '[ -f /v/data ] || { head -c 100000 /dev/urandom > /v/new && sync && mv /v/new /v/data; }\n' +
            'sha256sum < /v/data; while :; do sleep 3600; done',
          tag,
        ],
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
    ],
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
  },
});

/** Where volumes are mounted: two places for each that a pod has. */
async function volumeMounts(directory: string): Promise<string[]> {
  const targets = (await host.mounts.list()).map(({ target }) => target);
  return targets.filter((target) => target.startsWith(directory) && /\/(globalmount|mount)$/.test(target));
}

describe('a node that is killed while it works on a volume', { skip: cannotMount }, () => {
  before(requireKubectl);

  it(`goes on where it was, at each of ${COMING.length + GOING.length} moments, and leaves a pod that runs alone`, () =>
    inDirectory(async (directory) => {
      const kubeconfig = join(directory, 'kubeconfig');
      const k = (...args: string[]) => kubectl(kubeconfig, args);
      const apply = (...items: object[]) =>
        kubectl(kubeconfig, ['apply', '-f', '-'], { input: JSON.stringify(listOf(...items)) });
      const checksum = async (name: string) => {
        const line = await kubectlUntil(kubeconfig, ['logs', '-f', name], /^[0-9a-f]{64} /);
        return line.slice(0, 64);
      };
      const runs = (name: string) =>
        k('wait', '--for=jsonpath={.status.phase}=Running', `pod/${name}`, '--timeout=60s');
      const attachments = async () =>
        (await k('get', 'volumeattachments', '-o', 'name')).split('\n').filter(Boolean);

      let node = await mortalCluster(directory);
      const tag = `steady-of-${directory}`;
      await k('apply', '-f', EXAMPLE);
      await k('delete', 'statefulset', 'web');
      await waitGone(kubeconfig, 'pods');
      await k('delete', 'pvc', '--all');
      await apply(claim('steady'), pod('steady', 'steady', tag));
      await runs('steady');
      const steadySum = await checksum('steady');
      const steadyUid = await k('get', 'pod', 'steady', '-o', 'jsonpath={.metadata.uid}');
      const steadyProcesses = await processesNaming(tag);
      const steadyAttachments = await attachments();
      assert.ok(steadyProcesses.length > 0 && steadyAttachments.length === 1);
      const isUndisturbed = async (moment: string) => {
        assert.deepEqual(await processesNaming(tag), steadyProcesses, `${moment}: its processes`);
        const [mount] = (await volumeMounts(directory)).filter((target) => target.includes(steadyUid));
        const data = await readFile(join(mount!, 'data'));
        assert.equal(createHash('sha256').update(data).digest('hex'), steadySum, `${moment}: its data`);
        const status = await k('get', 'pod', 'steady', '-o', 'jsonpath={.status.phase} {..restartCount}');
        assert.equal(status, 'Running 0', moment);
      };
      const mountedOnce = async (count: number, moment: string) => {
        const mounts = await volumeMounts(directory);
        assert.equal(mounts.length, count, `${moment}: ${mounts.join('\n')}`);
        assert.equal(new Set(mounts).size, count, `${moment}: ${mounts.join('\n')}`);
      };
      /** Does something in the course of which the node dies at the moment, and starts it again. */
      const during = async (moment: Moment, work: () => Promise<unknown>) => {
        await node.dieAt(moment);
        const done = work().catch((error: unknown) => error);
        const words = `${moment.when} ${moment.call} ${moment.at}`;
        assert.equal(await node.died(60_000), 'SIGKILL', `it does not come to: ${words}`);
        await done;
        node = await mortalCluster(directory);
        return words;
      };

      const sums = new Map<string, string>();
      let claimName = '';
      for (let index = 0; index < Math.max(COMING.length, GOING.length); index++) {
        const coming = COMING[index];
        if (index === 0 || coming?.call === 'disks.format') claimName = `claim-${index}`;
        const moving = [claim(claimName), pod('moving', claimName, `moving-of-${directory}`)];
        let words = 'nothing';
        if (coming) words = await during(coming, () => apply(...moving));
        await apply(...moving);
        await runs('moving');
        const sum = await checksum('moving');
        assert.equal(sum, sums.get(claimName) ?? sum, `${words}: the data of the pod before`);
        sums.set(claimName, sum);
        await mountedOnce(4, words);
        await isUndisturbed(words);
        const attached = (await attachments()).filter((name) => !steadyAttachments.includes(name));
        assert.equal(attached.length, 1, words);

        const going = GOING[index];
        if (going) words = await during(going, () => k('delete', 'pod', 'moving', '--wait=false'));
        await k('delete', 'pod', 'moving', '--ignore-not-found');
        await waitGone(kubeconfig, attached[0]!);
        await mountedOnce(2, words);
        await isUndisturbed(words);
      }
      await k('delete', 'pods', '--all');
      await k('delete', 'pvc', '--all');
      await waitGone(kubeconfig, 'pv');
      assert.deepEqual(await leftOnMachine(directory), []);
      await node.end();
    }));
});
