import type { TestContext } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../../apiserver/index.ts';
import { silentLogger, systemClock, systemRandom, Trace } from '../../base/index.ts';
import { type Client, type ComponentContext, Informers, Recorder, waitUntil } from '../../client/index.ts';
import { createPersistentVolumeController } from '../../controllers/persistent-volume/index.ts';
import { createProtectionControllers } from '../../controllers/protection/index.ts';
import { type ControllerService, type csi, serveInMemory } from '../../csi/index.ts';
import {
  events,
  namespaces,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  type Stored,
  storageClasses,
} from '../../kube/index.ts';
import { createProvisioner, type ProvisionerOptions } from './index.ts';

export const DRIVER = 'disk.csi.example.com';

type Before = (request: csi.CreateVolumeRequest) => Promise<void> | void;

/** Volumes in a map. The hook runs in every CreateVolume and may fail it. */
export class Driver implements ControllerService {
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

export interface Stack {
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
export async function start(
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
export const newClaim = (name = 'data', annotations?: Record<string, string>): PersistentVolumeClaim => ({
  metadata: { name, namespace: 'team', annotations, ...protectedBy('pvc') },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: 'fast',
  },
});
export const fast = (more: Partial<StorageClass> = {}): StorageClass => ({
  metadata: { name: 'fast' },
  provisioner: DRIVER,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'Immediate',
  ...more,
});
export async function prepare(stack: Stack, storageClass = fast()): Promise<void> {
  await stack.client.create(namespaces, { metadata: { name: 'team' } });
  await stack.client.create(storageClasses, storageClass);
}
export const boundClaim = (stack: Stack, name?: string) =>
  stack.until(`${name ?? 'data'} is Bound`, () => {
    const claim = stack.claim(name);
    return claim?.status?.phase === 'Bound' && claim;
  });
export const nothingLeft = (stack: Stack) =>
  stack.until('nothing is left', () => stack.volumes().length === 0 && stack.driver.volumes.size === 0);
export const says = (stack: Stack, text: string) =>
  stack.until(`an event says ${text}`, () => stack.told().find((told) => told.includes(text)));
