import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { cannotMount, kubectlUntil } from '../support/command.ts';
import { inDirectory } from '../support/in-directory.ts';
import { type KillableCluster, killableCluster } from '../support/killable-cluster.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, storageClass, volumeOf } from '../support/manifests.ts';
import type { Moment } from '../support/mortal-cluster.ts';

const hasXfs = spawnSync('mkfs.xfs', ['-V']).status === 0;
const MIB = 2 ** 20;

/** Of the controller's part: the image, its record, the device. */
const IMAGE: readonly Moment[] = [
  { when: 'after', call: 'files.allocate', at: '/pool/.*\\.img' },
  { when: 'after', call: 'files.writeAtomic', at: '/pool/.*\\.json' },
];
const DEVICE: readonly Moment[] = [
  { when: 'before', call: 'loops.refresh', at: '' },
  { when: 'after', call: 'loops.refresh', at: '' },
];
/** And of the node's, of a file system that is in use, or is about to be mounted. */
const IN_USE: readonly Moment[] = [
  { when: 'before', call: 'disks.grow', at: '' },
  { when: 'after', call: 'disks.grow', at: '' },
];
const BEFORE_MOUNT: readonly Moment[] = [
  { when: 'before', call: 'disks.growUnmounted', at: '' },
  { when: 'after', call: 'disks.growUnmounted', at: '' },
  { when: 'after', call: 'mounts.mount', at: 'globalmount","fsType' },
];

interface Growth {
  readonly what: string;
  readonly volumeMode: 'Filesystem' | 'Block';
  readonly fsType: string;
  readonly moments: readonly Moment[];
  /** While a pod has it; otherwise it grows when its pod comes back. */
  readonly inUse: boolean;
  readonly sizeMib: number;
  readonly skip?: string | false;
}

const GROWTHS: readonly Growth[] = [
  {
    what: 'an xfs while its pod runs',
    volumeMode: 'Filesystem',
    fsType: 'xfs',
    moments: [...IMAGE, ...IN_USE],
    inUse: true,
    sizeMib: 320,
    skip: !hasXfs && 'needs mkfs.xfs (xfsprogs)',
  },
  {
    what: 'an ext4 before its pod gets it',
    volumeMode: 'Filesystem',
    fsType: 'ext4',
    moments: BEFORE_MOUNT,
    inUse: false,
    sizeMib: 16,
  },
  {
    what: 'a device while its pod has it',
    volumeMode: 'Block',
    fsType: '',
    moments: DEVICE,
    inUse: true,
    sizeMib: 16,
  },
];

/** By how much it grows each time. */
const STEP_MIB = 16;

/** Fills an empty volume, says what its checksum is, and stays. */
const SCRIPTS = {
  Filesystem:
    '[ -f /v/data ] || { head -c 100000 /dev/urandom > /v/new && sync && mv /v/new /v/data; }; sha256sum < /v/data',
  Block:
    'at() { dd if=/dev/v bs=1000 count=100 2>/dev/null; }; ' +
    'at | tr -d "\\0" | grep -q . || dd if=/dev/urandom of=/dev/v bs=1000 count=100 conv=fsync 2>/dev/null; at | sha256sum',
};
const MEASURE = {
  Filesystem: ['stat', '-f', '-c', '%b %S', '/v'],
  Block: ['blockdev', '--getsize64', '/dev/v'],
};

const pod = (volumeMode: Growth['volumeMode']) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'user' },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'c',
        image: 'host',
        command: ['sh', '-c', `${SCRIPTS[volumeMode]}; exec sleep 3600`],
        ...(volumeMode === 'Block'
          ? { volumeDevices: [{ name: 'v', devicePath: '/dev/v' }], securityContext: { privileged: true } }
          : { volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      },
    ],
    volumes: [{ name: 'v', ...volumeOf('data') }],
  },
});

describe('a node that is killed while a volume grows', { skip: cannotMount }, () => {
  before(requireKubectl);

  for (const growth of GROWTHS)
    it(
      `goes on where it was, at each of ${growth.moments.length} moments: ${growth.what}`,
      { skip: growth.skip },
      () => inDirectory((directory) => killAtEach(growth, directory)),
    );
});

async function killAtEach(growth: Growth, directory: string): Promise<void> {
  const { volumeMode, fsType, moments, inUse } = growth;
  const kubeconfig = join(directory, 'kubeconfig');
  const { k, apply, gone } = kubectlOf(() => kubeconfig);
  const parameters = fsType ? { 'csi.storage.k8s.io/fstype': fsType } : {};
  const runs = () => k('wait', '--for=condition=Ready', 'pod/user', '--timeout=60s');
  const checksum = async () =>
    (await kubectlUntil(kubeconfig, ['logs', '-f', 'user'], /^[0-9a-f]{64} /)).slice(0, 64);
  const readAgain = async () => {
    const again = ['exec', 'user', '--', 'sh', '-c', `${SCRIPTS[volumeMode]}`];
    return (await k(...again)).slice(0, 64);
  };
  const grow = (sizeMib: number) =>
    k(
      'patch',
      'pvc',
      'data',
      '-p',
      JSON.stringify({ spec: { resources: { requests: { storage: `${sizeMib}Mi` } } } }),
    );
  /** What the pod sees, in bytes. */
  const size = async () => {
    const numbers = (await k('exec', 'user', '--', ...MEASURE[volumeMode])).trim().split(' ');
    return numbers.reduce((product, number) => product * Number(number), 1);
  };
  const comeBack = async () => {
    await apply(pod(volumeMode));
    await runs();
  };

  const node: KillableCluster = await killableCluster(directory);
  await apply(
    storageClass('growing', 'disk.csi.stowage.dev', { parameters, allowVolumeExpansion: true }),
    claimOf('data', `${growth.sizeMib}Mi`, { storageClassName: 'growing', volumeMode }),
    pod(volumeMode),
  );
  await runs();
  const sum = await checksum();
  let sizeMib = growth.sizeMib;
  for (const moment of moments) {
    const before = await size();
    sizeMib += STEP_MIB;
    let words: string;
    if (inUse) {
      words = await node.during(moment, () => grow(sizeMib));
    } else {
      await k('delete', 'pod', 'user');
      await gone('volumeattachments');
      await grow(sizeMib);
      await k('wait', 'pv', '--all', `--for=jsonpath={.spec.capacity.storage}=${sizeMib}Mi`, '--timeout=60s');
      words = await node.during(moment, () => apply(pod(volumeMode)));
      await comeBack();
    }
    await k('wait', 'pvc/data', `--for=jsonpath={.status.capacity.storage}=${sizeMib}Mi`, '--timeout=60s');
    const { status } = JSON.parse(await k('get', 'pvc', 'data', '-o', 'json'));
    assert.equal(status.conditions, undefined, words);
    assert.equal(status.allocatedResourceStatuses, undefined, words);
    const grown = (await size()) - before;
    assert.ok(grown > STEP_MIB * MIB * 0.7, `${words}: it has grown by ${grown} bytes`);
    assert.equal(await readAgain(), sum, `${words}: its data`);
    const restarts = await k('get', 'pod', 'user', '-o', 'jsonpath={.status.phase} {..restartCount}');
    assert.equal(restarts, 'Running 0', words);
  }
  await k('delete', 'pods,pvc', '--all');
  await gone('pv');
  assert.deepEqual(await leftOnMachine(directory), []);
  await node.end();
}
