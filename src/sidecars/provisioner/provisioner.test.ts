// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of secrets.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../../apiserver/index.ts';
import { silentLogger, systemClock, systemRandom, Trace, turn } from '../../base/index.ts';
import { type Client, type ComponentContext, Informers, Recorder, waitUntil } from '../../client/index.ts';
import { createPersistentVolumeController } from '../../controllers/persistent-volume/index.ts';
import { createProtectionControllers } from '../../controllers/protection/index.ts';
import { Code, type ControllerService, CsiStatus, type csi, serveInMemory } from '../../csi/index.ts';
import {
  csiNodes,
  events,
  namespaces,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  type Stored,
  secrets,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
} from '../../kube/index.ts';
import { createProvisioner, type ProvisionerOptions } from './index.ts';

const DRIVER = 'disk.csi.example.com';

type Before = (request: csi.CreateVolumeRequest) => Promise<void> | void;

/** Volumes in a map. The hook runs in every CreateVolume and may fail it. */
class Driver implements ControllerService {
  readonly capabilities = ['CLONE_VOLUME'] as const;
  readonly volumes = new Map<string, csi.CreateVolumeRequest>();
  readonly created: csi.CreateVolumeRequest[] = [];
  readonly deleted: csi.DeleteVolumeRequest[] = [];
  readonly hooks: { before: Before } = { before: () => {} };
  segments: Record<string, string> | undefined;

  async createVolume(request: csi.CreateVolumeRequest) {
    this.created.push(request);
    await this.hooks.before(request);
    const volumeId = `id-${request.name}`;
    this.volumes.set(volumeId, request);
    const accessibleTopology = this.segments ? [{ segments: this.segments }] : [];
    const capacityBytes = request.capacityRange?.requiredBytes ?? 0n;
    const volume = { volumeId, capacityBytes, volumeContext: { pool: 'a' }, accessibleTopology };
    return { volume: { ...volume, contentSource: request.volumeContentSource } };
  }

  deleteVolume(request: csi.DeleteVolumeRequest) {
    this.deleted.push(request);
    this.volumes.delete(request.volumeId);
    return {};
  }

  controllerModifyVolume() {
    return {};
  }

  controllerPublishVolume() {
    return {};
  }

  controllerUnpublishVolume() {
    return {};
  }
}

interface Stack {
  readonly client: Client;
  readonly driver: Driver;
  readonly trace: Trace;
  /** Writes of claims and volumes by the components, in their order. */
  readonly writes: string[];
  /** Makes the next creations of volumes fail. */
  failCreations(count: number): void;
  until<R>(what: string, look: () => R | undefined | false): Promise<R>;
  claim(name?: string): Stored<PersistentVolumeClaim> | undefined;
  volumes(): readonly Stored<PersistentVolume>[];
  /** `reason: message` of the events, as far as the cache has them. */
  told(): readonly string[];
}

/** A watch that never tells of anything. */
async function* silence(signal: AbortSignal | undefined): AsyncGenerator<never> {
  await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
}

/** Registry, PV controller, protection, provisioner and a driver in memory; all of it ends with the test. */
async function start(
  test: TestContext,
  options: { flags?: Partial<ProvisionerOptions>; topology?: boolean; hearsOfAttachments?: boolean } = {},
): Promise<Stack> {
  const store = await openStore({ memory: true });
  const registry = await createRegistry({ store, clock: systemClock, random: systemRandom });
  const client = createLocalClient(registry);
  const writes: string[] = [];
  let failing = 0;
  const note = (resource: { kind: string }, verb: string, subresource?: string) => {
    if (resource.kind !== 'Event')
      writes.push(`${verb} ${resource.kind}${subresource ? `/${subresource}` : ''}`);
  };
  const watched: Client = {
    ...client,
    async create(resource, object, options) {
      if (failing-- > 0) throw new Error('the server is away');
      note(resource, 'create');
      return client.create(resource, object, options);
    },
    async update(resource, object, options) {
      const saved = await client.update(resource, object, options);
      note(resource, 'update', options?.subresource);
      return saved;
    },
    async delete(resource, name, options) {
      note(resource, 'delete');
      return client.delete(resource, name, options);
    },
  };
  const shared = { clock: systemClock, random: systemRandom, log: silentLogger };
  const watch: Client['watch'] = (resource, more) =>
    resource.kind === 'VolumeAttachment' && options.hearsOfAttachments === false
      ? silence(more?.signal)
      : client.watch(resource, more);
  const informers = new Informers({ client: { ...client, watch }, ...shared });
  const trace = new Trace(systemClock);
  const recorder = new Recorder({
    client,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    component: 'test',
  });
  const context: ComponentContext = {
    client: watched,
    informers,
    trace,
    recorder: () => recorder,
    ...shared,
  };
  const driver = new Driver();
  const identity = { name: DRIVER, vendorVersion: '1', topology: options.topology ?? false };
  const served = serveInMemory({ identity, controller: driver }, { clock: systemClock, log: silentLogger });
  const csiClient = served.connect();
  const abort = new AbortController();
  const components = [
    createPersistentVolumeController(context),
    createProtectionControllers(context),
    createProvisioner(context, {
      csi: csiClient,
      backoff: { initialMs: 10, maxMs: 300_000 },
      ...options.flags,
    }),
  ];
  const running = [...components.map((one) => one.start(abort.signal)), informers.start(abort.signal)];
  test.after(async () => {
    abort.abort();
    await Promise.all(running);
    await recorder.flush();
    csiClient.close();
    served.stop();
    await registry.close();
  });
  const all = [persistentVolumeClaims, persistentVolumes, events].map((one) => informers.of(one as never));
  return {
    client,
    driver,
    trace,
    writes,
    failCreations(count) {
      failing = count;
    },
    until: (what, look) => waitUntil(all, look, { clock: systemClock, limitMs: 60_000, what }),
    claim: (name = 'data') => informers.of(persistentVolumeClaims).get(name, 'team'),
    volumes: () => [...informers.of(persistentVolumes).values()],
    told: () => [...informers.of(events).values()].map(({ reason, message }) => `${reason}: ${message}`),
  };
}

const protectedBy = (name: string) => ({ finalizers: [`kubernetes.io/${name}-protection`] });
const newClaim = (name = 'data', annotations?: Record<string, string>): PersistentVolumeClaim => ({
  metadata: { name, namespace: 'team', annotations, ...protectedBy('pvc') },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: 'fast',
  },
});
const fast = (more: Partial<StorageClass> = {}): StorageClass => ({
  metadata: { name: 'fast' },
  provisioner: DRIVER,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'Immediate',
  ...more,
});
async function prepare(stack: Stack, storageClass = fast()): Promise<void> {
  await stack.client.create(namespaces, { metadata: { name: 'team' } });
  await stack.client.create(storageClasses, storageClass);
}
const boundClaim = (stack: Stack, name?: string) =>
  stack.until(`${name ?? 'data'} is Bound`, () => {
    const claim = stack.claim(name);
    return claim?.status?.phase === 'Bound' && claim;
  });
const nothingLeft = (stack: Stack) =>
  stack.until('nothing is left', () => stack.volumes().length === 0 && stack.driver.volumes.size === 0);
const says = (stack: Stack, text: string) =>
  stack.until(`an event says ${text}`, () => stack.told().find((told) => told.includes(text)));

describe('provisioner', () => {
  it('gives a volume the parameters of its VolumeAttributesClass, if that is for the driver', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    const createClass = (name: string, driverName: string) =>
      stack.client.create(volumeAttributesClasses, {
        metadata: { name },
        driverName,
        parameters: { iops: '100' },
      });
    const claimWith = (name: string, volumeAttributesClassName: string) => {
      const claim = newClaim(name);
      return { ...claim, spec: { ...claim.spec, volumeAttributesClassName } };
    };
    await createClass('gold', DRIVER);
    await createClass('foreign', 'other.example.org');
    await stack.client.create(persistentVolumeClaims, claimWith('data', 'gold'));
    const claim = await boundClaim(stack);
    assert.equal(claim.status?.currentVolumeAttributesClassName, 'gold');
    assert.equal(stack.volumes()[0]?.spec?.volumeAttributesClassName, 'gold');
    assert.deepEqual(stack.driver.created[0]?.mutableParameters, { iops: '100' });

    await stack.client.create(persistentVolumeClaims, claimWith('other', 'foreign'));
    await says(
      stack,
      `VAC foreign referenced in PVC is for driver other.example.org which does not match driver name ${DRIVER}`,
    );
    await stack.client.create(persistentVolumeClaims, claimWith('late', 'silver'));
    await says(stack, '"silver" not found');
    await createClass('silver', DRIVER);
    await boundClaim(stack, 'late');
    assert.equal(stack.driver.created.length, 2);
  });

  it('makes a volume for a claim, with five writes, and deletes it with three', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    await stack.client.create(persistentVolumeClaims, newClaim());
    const claim = await boundClaim(stack);
    const [volume] = stack.volumes();
    assert.equal(volume?.metadata.name, `pvc-${claim.metadata.uid}`);
    assert.equal(claim.spec?.volumeName, volume?.metadata.name);
    assert.equal(volume?.spec?.csi?.volumeHandle, `id-${volume?.metadata.name}`);
    assert.equal(stack.driver.created.length, 1);
    await says(stack, `ProvisioningSucceeded: Successfully provisioned volume pvc-${claim.metadata.uid}`);
    await says(stack, 'Provisioning: External provisioner is provisioning volume for claim "team/data"');
    // pv-protection is admission's to set; where it is missing, the protection controller adds it.
    const expected = [
      'update PersistentVolumeClaim',
      'create PersistentVolume',
      'update PersistentVolume/status',
      'update PersistentVolumeClaim',
      'update PersistentVolumeClaim/status',
    ];
    assert.deepEqual(
      stack.writes.filter((write) => write !== 'update PersistentVolume').sort(),
      expected.sort(),
    );
    const steps = () => stack.trace.ended('team/data').map(({ step, outcome }) => `${step} ${outcome}`);
    assert.deepEqual(steps(), ['claim ok', 'provision ok', 'bind ok']);

    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await nothingLeft(stack);
    // Who watches may hear of a deletion before the deleter has his answer.
    await turn();
    assert.equal(stack.driver.deleted.length, 1);
    assert.deepEqual(steps(), ['claim ok', 'provision ok', 'bind ok', 'delete ok']);
  });

  it('makes 100 volumes at once, each once', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    const names = Array.from({ length: 100 }, (_, index) => `data-${index}`);
    await Promise.all(names.map((name) => stack.client.create(persistentVolumeClaims, newClaim(name))));
    await stack.until('all are Bound', () =>
      names.every((name) => stack.claim(name)?.status?.phase === 'Bound'),
    );
    assert.equal(stack.driver.created.length, 100);
    await Promise.all(
      names.map((name) => stack.client.delete(persistentVolumeClaims, { namespace: 'team', name })),
    );
    await nothingLeft(stack);
    assert.equal(stack.driver.deleted.length, 100);
  });

  it('waits for the node with delayed binding, and gives the choice back when that node is full', async (test) => {
    const stack = await start(test, { topology: true });
    await prepare(stack, fast({ volumeBindingMode: 'WaitForFirstConsumer' }));
    for (const name of ['n1', 'n2']) {
      await stack.client.create(nodes, { metadata: { name, labels: { zone: `z-${name}` } } });
      await stack.client.create(csiNodes, {
        metadata: { name },
        spec: { drivers: [{ name: DRIVER, nodeID: name, topologyKeys: ['zone'] }] },
      });
    }
    stack.driver.hooks.before = (request) => {
      const zone = request.accessibilityRequirements?.preferred[0]?.segments.zone;
      if (zone === 'z-n1') throw new CsiStatus(Code.RESOURCE_EXHAUSTED, 'pool z-n1 is full');
      stack.driver.segments = { zone: zone ?? '' };
    };
    await stack.client.create(persistentVolumeClaims, newClaim());
    await says(stack, 'WaitForFirstConsumer: waiting for first consumer to be created before binding');
    assert.equal(stack.driver.created.length, 0);
    const name = { namespace: 'team', name: 'data' };
    const select = (node: string) =>
      stack.client.patch(persistentVolumeClaims, name, {
        type: 'merge',
        body: { metadata: { annotations: { 'volume.kubernetes.io/selected-node': node } } },
      });
    await select('n1');
    await says(stack, 'ProvisioningFailed: rpc error: code = ResourceExhausted desc = pool z-n1 is full');
    await stack.until(
      'the choice is given back',
      () => !stack.claim()?.metadata.annotations?.['volume.kubernetes.io/selected-node'],
    );
    await select('n2');
    await boundClaim(stack);
    const [volume] = stack.volumes();
    assert.deepEqual(volume?.spec?.nodeAffinity?.required?.nodeSelectorTerms, [
      { matchExpressions: [{ key: 'zone', operator: 'In', values: ['z-n2'] }] },
    ]);
    assert.equal(stack.driver.created.length, 2);
  });

  it('calls again on the same node until it is certain, also when the node labels have changed', async (test) => {
    const stack = await start(test, { topology: true });
    await prepare(stack, fast({ volumeBindingMode: 'WaitForFirstConsumer' }));
    await stack.client.create(nodes, { metadata: { name: 'n1', labels: { zone: 'a' } } });
    await stack.client.create(csiNodes, {
      metadata: { name: 'n1' },
      spec: { drivers: [{ name: DRIVER, nodeID: 'n1', topologyKeys: ['zone'] }] },
    });
    stack.driver.hooks.before = async () => {
      if (stack.driver.created.length > 2) return;
      const body = { metadata: { labels: { zone: `z${stack.driver.created.length}` } } };
      await stack.client.patch(nodes, { name: 'n1' }, { type: 'merge', body });
      throw new CsiStatus(Code.DEADLINE_EXCEEDED, 'still working');
    };
    const selected = { 'volume.kubernetes.io/selected-node': 'n1' };
    await stack.client.create(persistentVolumeClaims, newClaim('data', selected));
    await boundClaim(stack);
    const zones = stack.driver.created.map(
      ({ accessibilityRequirements }) => accessibilityRequirements?.requisite[0]?.segments.zone,
    );
    assert.deepEqual(zones, ['a', 'a', 'a']);
  });

  it('leaks nothing when the claim goes while the driver works', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    stack.driver.hooks.before = async () => {
      if (stack.driver.created.length > 1) return;
      await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
      throw new CsiStatus(Code.ABORTED, 'still working');
    };
    await stack.client.create(persistentVolumeClaims, newClaim());
    await stack.until('the volume was made and deleted', () => stack.driver.deleted.length > 0);
    await nothingLeft(stack);
    assert.equal(stack.claim(), undefined);
  });

  it('leaks nothing when claim and source go while the driver works on a copy', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    const { client, driver } = stack;
    const named = (name: string) => ({ namespace: 'team', name });
    await client.create(persistentVolumeClaims, newClaim());
    await boundClaim(stack);
    driver.hooks.before = async (request) => {
      if (driver.created.length > 2) return;
      driver.volumes.set(`id-${request.name}`, request);
      for (const name of ['copy', 'data']) {
        const finalizers = { type: 'merge' as const, body: { metadata: { finalizers: null } } };
        await client.delete(persistentVolumeClaims, named(name));
        await client.patch(persistentVolumeClaims, named(name), finalizers).catch(() => undefined);
      }
      throw new CsiStatus(Code.ABORTED, 'still working');
    };
    const { metadata, spec } = newClaim('copy');
    const dataSource = { kind: 'PersistentVolumeClaim', name: 'data' };
    await client.create(persistentVolumeClaims, { metadata, spec: { ...spec, dataSource } });
    await stack.until('both volumes were deleted', () => driver.deleted.length > 1);
    await nothingLeft(stack);
  });

  it('saves the object of a volume that was made, whatever it takes', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    stack.driver.hooks.before = () => stack.failCreations(3);
    await stack.client.create(persistentVolumeClaims, newClaim());
    await boundClaim(stack);
    assert.equal(stack.driver.created.length, 1);
  });

  it('does not delete a volume that is attached, and does as soon as it is not', async (test) => {
    const stack = await start(test, { flags: { backoff: { initialMs: 60_000, maxMs: 300_000 } } });
    await prepare(stack);
    await stack.client.create(persistentVolumeClaims, newClaim());
    const claim = await boundClaim(stack);
    const volumeName = claim.spec?.volumeName;
    await stack.client.create(volumeAttachments, {
      metadata: { name: 'va' },
      spec: { attacher: DRIVER, nodeName: 'n1', source: { persistentVolumeName: volumeName } },
    });
    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await says(stack, `VolumeFailedDelete: persistentvolume ${volumeName} is still attached to node n1`);
    assert.equal(stack.driver.deleted.length, 0);
    await stack.client.delete(volumeAttachments, { name: 'va' });
    await nothingLeft(stack);
  });

  it('asks the server before it deletes: the cache may not have heard of an attachment', async (test) => {
    const stack = await start(test, { hearsOfAttachments: false });
    await prepare(stack);
    await stack.client.create(persistentVolumeClaims, newClaim());
    const { spec } = await boundClaim(stack);
    await stack.client.create(volumeAttachments, {
      metadata: { name: 'va' },
      spec: { attacher: DRIVER, nodeName: 'n1', source: { persistentVolumeName: spec?.volumeName } },
    });
    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await says(
      stack,
      `VolumeFailedDelete: persistentvolume ${spec?.volumeName} is still attached to node n1`,
    );
    assert.equal(stack.driver.deleted.length, 0);
  });

  it('passes secrets to the driver and nowhere else', async (test) => {
    const stack = await start(test);
    const parameters = {
      'csi.storage.k8s.io/provisioner-secret-name': '${pvc.name}-key',
      'csi.storage.k8s.io/provisioner-secret-namespace': '${pvc.namespace}',
    };
    await prepare(stack, fast({ parameters }));
    await stack.client.create(persistentVolumeClaims, newClaim());
    await says(
      stack,
      'ProvisioningFailed: error getting secret data-key in namespace team: secrets "data-key" not found',
    );
    const data = { password: Buffer.from('hunter22').toString('base64') };
    await stack.client.create(secrets, { metadata: { name: 'data-key', namespace: 'team' }, data });
    stack.driver.hooks.before = ({ secrets: given }) => {
      if (stack.driver.created.length === 1) throw new CsiStatus(Code.INTERNAL, `bad ${given.password}`);
    };
    await boundClaim(stack);
    assert.deepEqual(stack.driver.created.at(-1)?.secrets, { password: 'hunter22' });
    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await nothingLeft(stack);
    assert.deepEqual(stack.driver.deleted[0]?.secrets, { password: 'hunter22' });
    assert.ok(!JSON.stringify([stack.told(), stack.trace.ended()]).includes('hunter22'));
  });

  it('slows down when the driver calls the request wrong, until the class is made anew', async (test) => {
    const stack = await start(test);
    await prepare(stack, fast({ parameters: { tier: 'none' } }));
    stack.driver.hooks.before = ({ parameters }) => {
      if (parameters.tier === 'none') throw new CsiStatus(Code.INVALID_ARGUMENT, 'no such tier');
    };
    await stack.client.create(persistentVolumeClaims, newClaim());
    await says(
      stack,
      'ProvisioningFailed: Volume provisioning failed with infeasible error. Retries will be delayed. ' +
        'rpc error: code = InvalidArgument desc = no such tier',
    );
    await stack.client.delete(storageClasses, { name: 'fast' });
    await stack.client.create(storageClasses, fast({ parameters: { tier: 'gold' } }));
    await boundClaim(stack);
    assert.equal(stack.driver.created.length, 2);
  });

  it('keeps a volume with policy Retain', async (test) => {
    const stack = await start(test);
    await prepare(stack, fast({ reclaimPolicy: 'Retain' }));
    await stack.client.create(persistentVolumeClaims, newClaim());
    await boundClaim(stack);
    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await stack.until('Released', () => stack.volumes()[0]?.status?.phase === 'Released');
    assert.equal(stack.driver.deleted.length, 0);
    assert.ok(
      !stack
        .volumes()[0]
        ?.metadata.finalizers?.includes('external-provisioner.volume.kubernetes.io/finalizer'),
    );
  });

  it('deletes the volume, too, when its object is deleted before its claim', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    await stack.client.create(persistentVolumeClaims, newClaim());
    const claim = await boundClaim(stack);
    const name = claim.spec?.volumeName ?? '';
    await stack.client.delete(persistentVolumes, { name });
    await stack.until('it is going', () => stack.volumes()[0]?.metadata.deletionTimestamp);
    assert.equal(stack.driver.deleted.length, 0);
    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await nothingLeft(stack);
    assert.equal(stack.driver.deleted.length, 1);
  });
});
