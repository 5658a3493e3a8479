import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { cannotMount, EXAMPLE, kubectlUntil, waitGone } from '../support/command.ts';
import { inDirectory } from '../support/in-directory.ts';
import { killableCluster } from '../support/killable-cluster.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, scriptPod, volumeOf } from '../support/manifests.ts';
import type { Moment } from '../support/mortal-cluster.ts';
import { processesNaming } from '../support/scrub.ts';

const host = createLinuxHost({ clock: systemClock });

/** At what calls the node dies while a pod gets its volume. The volume is a blank one where it is formatted. */
const COMING: readonly Moment[] = [
  { when: 'before', call: 'loops.attach', at: '' },
  { when: 'after', call: 'loops.attach', at: '' },
  { when: 'before', call: 'files.makeDirectory', at: 'globalmount\\b' },
  { when: 'after', call: 'files.writeWhole', at: '/plugins/.*vol_data.json' },
  { when: 'before', call: 'disks.format', at: '' },
  { when: 'after', call: 'disks.format', at: '' },
  { when: 'before', call: 'mounts.mount', at: 'globalmount","fsType' },
  { when: 'after', call: 'mounts.mount', at: 'globalmount","fsType' },
  { when: 'after', call: 'files.writeWhole', at: '/pods/.*vol_data.json' },
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

/** The same of a volume that its pod gets as a device. */
const COMING_AS_DEVICE: readonly Moment[] = [
  { when: 'after', call: 'files.writeWhole', at: '/volumeDevices/.*vol_data.json' },
  { when: 'after', call: 'files.makeDirectory', at: '/volumeDevices/staging/' },
  { when: 'after', call: 'mounts.mount', at: 'target":"[^"]*/volumeDevices/publish/' },
  { when: 'before', call: 'mounts.mount', at: 'target":"[^"]*/dev/[^/]*"' },
  { when: 'after', call: 'mounts.mount', at: 'target":"[^"]*/dev/[^/]*"' },
  { when: 'after', call: 'loops.attach', at: '/volumeDevices/.*/dev/' },
  { when: 'after', call: 'files.symlink', at: '/pods/.*/volumeDevices/' },
];
const GOING_AS_DEVICE: readonly Moment[] = [
  { when: 'after', call: 'loops.detach', at: '' },
  { when: 'after', call: 'files.removeFile', at: '/pods/.*/volumeDevices/' },
  { when: 'before', call: 'mounts.unmount', at: '/volumeDevices/.*/dev/' },
  { when: 'after', call: 'mounts.unmount', at: '/volumeDevices/.*/dev/' },
  { when: 'before', call: 'mounts.unmount', at: '/volumeDevices/publish/' },
  { when: 'after', call: 'mounts.unmount', at: '/volumeDevices/publish/' },
  { when: 'after', call: 'files.removeDirectory', at: '/volumeDevices/publish/' },
];

interface Sweep {
  readonly mode: 'Filesystem' | 'Block';
  readonly coming: readonly Moment[];
  readonly going: readonly Moment[];
  /** Where a volume shows itself, and how many of these a pod has. */
  readonly places: RegExp;
  readonly placesOfPod: number;
}

const SWEEPS: readonly Sweep[] = [
  {
    mode: 'Filesystem',
    coming: COMING,
    going: GOING,
    places: /\/(globalmount|mount)$/,
    placesOfPod: 2,
  },
  {
    mode: 'Block',
    coming: COMING_AS_DEVICE,
    going: GOING_AS_DEVICE,
    places: /\/volumeDevices\/(publish\/[^/]+|[^/]+\/dev)\/[^/]+$/,
    placesOfPod: 2,
  },
];

const claim = (name: string, volumeMode: Sweep['mode']) =>
  claimOf(name, '16Mi', { volumeMode, storageClassName: 'stowage-disk' });

/** What fills an empty volume, and says what the content's checksum is. */
const SCRIPTS = {
  Filesystem:
    '[ -f /v/data ] || { head -c 100000 /dev/urandom > /v/new && sync && mv /v/new /v/data; }\n' +
    'sha256sum < /v/data',
  Block:
    'at() { dd if=/dev/v bs=1000 count=100 2>/dev/null; }\n' +
    'at | tr -d "\\0" | grep -q . || dd if=/dev/urandom of=/dev/v bs=1000 count=100 conv=fsync 2>/dev/null\n' +
    'at | sha256sum',
};

/** Does so, and stays. `tag` is in its command line. */
const pod = (name: string, claimName: string, mode: Sweep['mode'], tag: string) => {
  const command = { command: ['sh', '-c'], args: [`${SCRIPTS[mode]}; while :; do sleep 3600; done`, tag] };
  const device = { volumeMounts: [], volumeDevices: [{ name: 'v', devicePath: '/dev/v' }] };
  const container = { ...command, ...(mode === 'Block' && device) };
  return scriptPod(name, '', { v: volumeOf(claimName) }, { container });
};

/** Of what the pods' scripts write. */
async function checksumAt(place: string, mode: Sweep['mode']): Promise<string> {
  const file = await open(mode === 'Block' ? place : join(place, 'data'));
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(100_000), 0, 100_000, 0);
    return createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex');
  } finally {
    await file.close();
  }
}

async function mountsBelow(directory: string, places: RegExp): Promise<string[]> {
  const targets = (await host.mounts.list()).map(({ target }) => target);
  return targets.filter((target) => target.startsWith(directory) && places.test(target));
}

describe('a node that is killed while it works on a volume', { skip: cannotMount }, () => {
  before(requireKubectl);

  for (const sweep of SWEEPS)
    it(`goes on where it was, at each of ${sweep.coming.length + sweep.going.length} moments of a ${sweep.mode} volume, and leaves a pod that runs alone`, () =>
      inDirectory((directory) => killAtEach(sweep, directory)));
});

async function killAtEach(
  { mode, coming: comings, going: goings, places, placesOfPod }: Sweep,
  directory: string,
): Promise<void> {
  const kubeconfig = join(directory, 'kubeconfig');
  const { k, apply } = kubectlOf(() => kubeconfig);
  const checksum = async (name: string) => {
    const line = await kubectlUntil(kubeconfig, ['logs', '-f', name], /^[0-9a-f]{64} /);
    return line.slice(0, 64);
  };
  const runs = (name: string) =>
    k('wait', '--for=jsonpath={.status.phase}=Running', `pod/${name}`, '--timeout=60s');
  const attachments = async () =>
    (await k('get', 'volumeattachments', '-o', 'name')).split('\n').filter(Boolean);

  const node = await killableCluster(directory);
  const tag = `steady-of-${directory}`;
  await k('apply', '-f', EXAMPLE);
  await k('delete', 'statefulset', 'web');
  await waitGone(kubeconfig, 'pods');
  await k('delete', 'pvc', '--all');
  await apply(claim('steady', mode), pod('steady', 'steady', mode, tag));
  await runs('steady');
  const steadySum = await checksum('steady');
  const steadyUid = await k('get', 'pod', 'steady', '-o', 'jsonpath={.metadata.uid}');
  const steadyProcesses = await processesNaming(tag);
  const steadyAttachments = await attachments();
  assert.ok(steadyProcesses.length > 0 && steadyAttachments.length === 1);
  const isUndisturbed = async (moment: string) => {
    assert.deepEqual(await processesNaming(tag), steadyProcesses, `${moment}: its processes`);
    const [place] = (await mountsBelow(directory, places)).filter((target) => target.includes(steadyUid));
    assert.equal(await checksumAt(place!, mode), steadySum, `${moment}: its data`);
    const status = await k('get', 'pod', 'steady', '-o', 'jsonpath={.status.phase} {..restartCount}');
    assert.equal(status, 'Running 0', moment);
  };
  const mountedOnce = async (count: number, moment: string) => {
    const mounts = await mountsBelow(directory, places);
    assert.equal(mounts.length, count, `${moment}: ${mounts.join('\n')}`);
    assert.equal(new Set(mounts).size, count, `${moment}: ${mounts.join('\n')}`);
  };
  const sums = new Map<string, string>();
  let claimName = '';
  for (let index = 0; index < Math.max(comings.length, goings.length); index++) {
    const coming = comings[index];
    if (index === 0 || coming?.call === 'disks.format') claimName = `claim-${index}`;
    const moving = [claim(claimName, mode), pod('moving', claimName, mode, `moving-of-${directory}`)];
    let words = 'nothing';
    if (coming) words = await node.during(coming, () => apply(...moving));
    await apply(...moving);
    await runs('moving');
    const sum = await checksum('moving');
    assert.equal(sum, sums.get(claimName) ?? sum, `${words}: the data of the pod before`);
    sums.set(claimName, sum);
    await mountedOnce(2 * placesOfPod, words);
    await isUndisturbed(words);
    const attached = (await attachments()).filter((name) => !steadyAttachments.includes(name));
    assert.equal(attached.length, 1, words);

    const going = goings[index];
    if (going) words = await node.during(going, () => k('delete', 'pod', 'moving', '--wait=false'));
    await k('delete', 'pod', 'moving', '--ignore-not-found');
    await waitGone(kubeconfig, attached[0]!);
    await mountedOnce(placesOfPod, words);
    await isUndisturbed(words);
  }
  await k('delete', 'pods', '--all');
  await k('delete', 'pvc', '--all');
  await waitGone(kubeconfig, 'pv');
  assert.deepEqual(await leftOnMachine(directory), []);
  await node.end();
}
