import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node, PersistentVolumeClaim, StorageClass, Stored } from '../../kube/index.ts';
import type { ControlPlugin, ProvisionRequest } from '../../volume/index.ts';
import { type ClaimFixture, newClaim, newVolume } from './fixtures.ts';
import { MemoryWorld } from './memory-world.ts';

const PLUGIN = 'kubernetes.io/example';
const NAME = 'pvc-uid-claim';
const stored = (name: string) => ({
  metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
});
const storageClass = (
  more: Partial<Omit<StorageClass, 'metadata' | 'kind' | 'apiVersion'>>,
): Stored<StorageClass> => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  ...stored('gold'),
  provisioner: PLUGIN,
  reclaimPolicy: 'Delete',
  parameters: { tier: 'a' },
  ...more,
});
const node: Stored<Node> = { apiVersion: 'v1', kind: 'Node', ...stored('n1') };

interface Given {
  readonly claim?: ClaimFixture & { readonly dataSource?: string };
  readonly storageClass?: Partial<Omit<StorageClass, 'metadata' | 'kind' | 'apiVersion'>>;
  readonly provisionFails?: boolean;
  readonly deleter?: 'none' | 'works' | 'fails' | 'works the second time';
  /** How many creates of the object fail. */
  readonly saveFailures?: number;
  /** The first create does what it is to do, and the answer is lost. */
  readonly answerLost?: boolean;
  readonly disabled?: boolean;
  readonly volumes?: MemoryWorld['volumes'] extends Map<string, infer V> ? readonly V[] : never;
}

async function provision(given: Given) {
  const requests: ProvisionRequest[] = [];
  let deletions = 0;
  const plugin: ControlPlugin = {
    name: PLUGIN,
    canSupport: () => true,
    provisioner: {
      supportsMountOptions: false,
      check() {
        if (given.disabled) throw new Error('no provisioning today');
      },
      async provision(request) {
        requests.push(request);
        if (given.provisionFails) throw new Error('the pool is full');
        const { reclaimPolicy } = request;
        return {
          metadata: { name: request.name },
          spec: {
            capacity: { storage: '1Gi' },
            accessModes: request.claim.spec?.accessModes,
            persistentVolumeReclaimPolicy: reclaimPolicy,
            hostPath: { path: '/a' },
          },
        };
      },
    },
    deleter:
      (given.deleter !== 'none' && {
        async delete() {
          deletions++;
          const works = given.deleter === 'works' || (given.deleter !== 'fails' && deletions > 1);
          if (!works) throw new Error('cannot delete');
        },
      }) ||
      undefined,
  };
  const claim = newClaim('claim', { className: 'gold', ...given.claim });
  const dataSource = given.claim?.dataSource && { kind: 'VolumeSnapshot', name: given.claim.dataSource };
  const world = new MemoryWorld({
    claims: [
      dataSource
        ? ({ ...claim, spec: { ...claim.spec, dataSource } } as Stored<PersistentVolumeClaim>)
        : claim,
    ],
    classes: [storageClass(given.storageClass ?? {})],
    volumes: given.volumes,
    nodes: [node],
    plugins: [plugin],
  });
  let isLost = false;
  let failures = given.saveFailures ?? 0;
  const create = world.createVolume.bind(world);
  world.createVolume = async (volume) => {
    if (failures-- > 0) throw new Error('the server is away');
    await create(volume);
    if (given.answerLost && !isLost) {
      isLost = true;
      throw new Error('the server is away');
    }
  };
  await world.syncClaim('claim');
  return { world, requests, deletions: () => deletions, volume: world.volumes.get(NAME) };
}

const succeeded = `ProvisioningSucceeded: Successfully provisioned volume ${NAME} using ${PLUGIN}`;
const notSaved =
  'ProvisioningFailed: Error creating provisioned PV object for claim default/claim: the server is away. Deleting the volume.';

describe('provisioning by a plugin, as in provision_test', () => {
  it('11-1 makes a volume that is bound to the claim', async () => {
    const { world, requests, volume } = await provision({});
    assert.deepEqual(world.messages, [succeeded]);
    const { claimRef, ...spec } = volume!.spec!;
    assert.equal(claimRef?.uid, 'uid-claim');
    assert.deepEqual(spec, {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Delete',
      hostPath: { path: '/a' },
      storageClassName: 'gold',
    });
    assert.deepEqual(volume!.metadata.annotations, {
      'pv.kubernetes.io/bound-by-controller': 'yes',
      'pv.kubernetes.io/provisioned-by': PLUGIN,
    });
    assert.deepEqual(volume!.metadata.finalizers, ['kubernetes.io/pv-controller']);
    assert.deepEqual(requests[0]?.parameters, { tier: 'a' });
    const claim = world.claims.get('default/claim')!;
    assert.equal(claim.metadata.annotations?.['volume.kubernetes.io/storage-provisioner'], PLUGIN);
    await world.syncClaim('claim');
    assert.equal(world.claims.get('default/claim')?.status?.phase, 'Bound');
    assert.equal(requests.length, 1, 'a claim gets one volume');
  });

  it('keeps the data of a class that retains: no finalizer', async () => {
    const { volume } = await provision({ storageClass: { reclaimPolicy: 'Retain' } });
    assert.equal(volume?.metadata.finalizers, undefined);
  });

  const table: [string, Given, readonly string[], { made?: number; deleted?: number }][] = [
    [
      '11-3 tells why it cannot begin',
      { disabled: true },
      ['ProvisioningFailed: Failed to create provisioner: no provisioning today'],
      {},
    ],
    [
      '11-4 tells why it failed',
      { provisionFails: true },
      ['ProvisioningFailed: Failed to provision volume with StorageClass "gold": the pool is full'],
      { made: 1 },
    ],
    ['11-6 takes a volume that is there', { volumes: [newVolume('free', { className: 'gold' })] }, [], {}],
    ['11-7 does not make a second one', { volumes: [newVolume(NAME, { phase: 'Released' })] }, [], {}],
    ['11-8 tries to save the object again', { saveFailures: 3 }, [succeeded], { made: 1 }],
    [
      '11-9 deletes a volume whose object cannot be saved',
      { saveFailures: 9, deleter: 'works' },
      [notSaved],
      { made: 1, deleted: 1 },
    ],
    [
      '11-10 tells when nobody can delete it',
      { saveFailures: 9, deleter: 'none' },
      [
        notSaved,
        'ProvisioningCleanupFailed: Error cleaning provisioned volume for claim default/claim: no deletable volume plugin matched. Please delete manually.',
      ],
      { made: 1 },
    ],
    [
      '11-11 tells when it cannot be deleted',
      { saveFailures: 9, deleter: 'fails' },
      [
        notSaved,
        'ProvisioningCleanupFailed: Error cleaning provisioned volume for claim default/claim: cannot delete. Please delete manually.',
      ],
      { made: 1, deleted: 5 },
    ],
    [
      '11-12 tries to delete it again',
      { saveFailures: 9, deleter: 'works the second time' },
      [notSaved],
      { made: 1, deleted: 2 },
    ],
    [
      '11-13 hands the parameters of another class on',
      { storageClass: { parameters: { tier: 'b' } } },
      [succeeded],
      { made: 1 },
    ],
    [
      '11-19 keeps a volume whose object was saved although the answer was lost',
      { answerLost: true, deleter: 'works' },
      [succeeded],
      { made: 1 },
    ],
    [
      '11-23 makes one for the selected node, though another is free',
      {
        claim: { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } },
        storageClass: { volumeBindingMode: 'WaitForFirstConsumer' },
        volumes: [newVolume('free', { className: 'gold' })],
      },
      [succeeded],
      { made: 1 },
    ],
    [
      '11-20 refuses mount options',
      { storageClass: { mountOptions: ['sync', 'ro'] } },
      [
        'ProvisioningFailed: Mount options are not supported by the provisioner but StorageClass "gold" has mount options [sync ro]',
      ],
      {},
    ],
    [
      '11-25 refuses a data source',
      { claim: { dataSource: 'snap' } },
      [
        `ProvisioningFailed: plugin "${PLUGIN}" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource`,
      ],
      {},
    ],
    [
      'refuses a node that is not there',
      { claim: { annotations: { 'volume.kubernetes.io/selected-node': 'n9' } } },
      ['ProvisioningFailed: Failed to get target node: node "n9" not found'],
      {},
    ],
  ];
  for (const [name, given, messages, { made = 0, deleted = 0 }] of table) {
    it(name, async () => {
      const { world, requests, deletions } = await provision(given);
      assert.deepEqual(world.messages, messages);
      assert.equal(requests.length, made);
      for (const { parameters } of requests) {
        assert.deepEqual(parameters, given.storageClass?.parameters ?? { tier: 'a' });
      }
      assert.equal(deletions(), deleted);
    });
  }

  it('tells the provisioner of the selected node, and on failure has the scheduler choose again', async () => {
    const claim = { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } };
    const well = await provision({ claim });
    assert.equal(well.requests[0]?.selectedNode?.metadata.name, 'n1');
    const selected = ({ world }: typeof well) =>
      world.claims.get('default/claim')?.metadata.annotations?.['volume.kubernetes.io/selected-node'];
    assert.equal(selected(well), 'n1');
    assert.equal(selected(await provision({ claim, provisionFails: true })), undefined);
  });
});
