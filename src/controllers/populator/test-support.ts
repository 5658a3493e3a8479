import type { TestContext } from 'node:test';
import { Metrics, systemClock } from '../../base/index.ts';
import { type Client, type Component, type ComponentContext, waitUntil } from '../../client/index.ts';
import {
  type CustomResourceDefinition,
  customResourceDefinitions,
  type KubeObject,
  namespaces,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  type StorageClass,
  storageClasses,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createPluginRegistry } from '../../volume/index.ts';
import { createPersistentVolumeController } from '../persistent-volume/index.ts';
import { createClaimProtection, createVolumeProtection } from '../protection/index.ts';
import { createPopulator, type PopulatorOptions } from './index.ts';

export interface Hello extends KubeObject {
  readonly spec: { readonly text: string };
}

const define = <T extends KubeObject>(group: string, version: string, kind: string): Resource<T> => ({
  group,
  version,
  kind,
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  shortNames: [],
  categories: [],
  namespaced: true,
});
export const hellos = define<Hello>('hello.example.com', 'v1', 'Hello');

const definitionOf = ({ group, version, kind, plural }: Resource): CustomResourceDefinition => ({
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    names: { kind, plural },
    scope: 'Namespaced',
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as never,
        },
      },
    ],
  },
});

export const PREFIX = 'hello.example.com';
export const FINALIZER = `${PREFIX}/populate-target-protection`;
export const name = { namespace: 'default', name: 'data' };
export const reference = { apiGroup: hellos.group, kind: hellos.kind, name: 'world' };
export const claimOf = (
  more: object = {},
  annotations: Record<string, string> = {},
): PersistentVolumeClaim => ({
  metadata: { ...name, annotations },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: 'fast',
    dataSourceRef: reference,
    ...more,
  },
});
export const FAST: StorageClass = { metadata: { name: 'fast' }, provisioner: 'test.example.com' };
const byPod: PopulatorOptions['by'] = {
  pod: {
    image: 'hello:1',
    mountPath: '/mnt',
    devicePath: '/dev/block',
    args: (rawBlock, source) => [rawBlock ? 'device' : 'file', (source as Hello).spec.text],
  },
};

/** A provisioner: each claim without a source of its own gets a volume, whose object goes when it is released. */
function provisioner(client: Client, { informers }: ComponentContext): Component {
  return {
    name: 'provisioner',
    async start(signal) {
      const make = async (claim: PersistentVolumeClaim) => {
        const { uid, namespace, name: of } = claim.metadata!;
        if (claim.spec?.dataSourceRef || claim.spec?.volumeName) return;
        await client.create(persistentVolumes, {
          metadata: { name: `pvc-${uid}` },
          spec: {
            capacity: { storage: '1Gi' },
            accessModes: claim.spec?.accessModes,
            storageClassName: 'fast',
            persistentVolumeReclaimPolicy: 'Delete',
            csi: { driver: 'test.example.com', volumeHandle: uid! },
            claimRef: { kind: 'PersistentVolumeClaim', namespace, name: of, uid },
          },
        });
      };
      const remove = ({ metadata, status }: { metadata: { name: string }; status?: { phase?: string } }) => {
        if (status?.phase === 'Released')
          void client.delete(persistentVolumes, { name: metadata.name }).catch(() => undefined);
      };
      const stops = [
        informers
          .of(persistentVolumeClaims)
          .on({ added: (claim) => void make(claim).catch(() => undefined) }),
        informers.of(persistentVolumes).on({ added: remove, updated: remove }),
      ];
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      for (const stop of stops) stop();
    },
  };
}

export interface StartOptions {
  /** What is not there at the start. */
  readonly without?: readonly 'class'[];
  /** What the populator sees of the client. */
  readonly wrap?: (client: Client) => Client;
}

/** A populator beside the PV controller, protection and a provisioner, on an API server in memory. */
export async function start(
  test: TestContext,
  more: Partial<PopulatorOptions> = {},
  { without = [], wrap }: StartOptions = {},
) {
  const stack = await startStack(test, { watch: [] });
  const { client, context } = stack;
  await client.create(customResourceDefinitions, definitionOf(hellos as Resource));
  await client.create(namespaces, { metadata: { name: 'populators' } });
  if (!without.includes('class')) await client.create(storageClasses, FAST);
  const metrics = new Metrics();
  const populator = createPopulator(
    { ...context, client: wrap?.(client) ?? client },
    {
      namespace: 'populators',
      prefix: PREFIX,
      source: hellos as Resource,
      by: byPod,
      metrics,
      ...more,
    },
  );
  const claims = context.informers.of(persistentVolumeClaims);
  const volumes = context.informers.of(persistentVolumes);
  const podInformer = context.informers.of(pods);
  const stop = stack.run(
    createPersistentVolumeController(context, { plugins: createPluginRegistry([]) }),
    createClaimProtection(context),
    createVolumeProtection(context),
    provisioner(client, context),
    populator,
  );
  const until = <R>(what: string, look: () => R | undefined | false) =>
    waitUntil([claims, volumes, podInformer] as never, look, { clock: systemClock, limitMs: 30_000, what });
  const hello = () =>
    client.create(hellos, { metadata: { namespace: 'default', name: 'world' }, spec: { text: 'hi' } });
  const claim = () => claims.get('data', 'default');
  const prime = () => claims.get(`prime-${claim()?.metadata.uid}`, 'populators');
  const pod = () => [...podInformer.values()].find(({ metadata }) => metadata.namespace === 'populators');
  const end = async (phase: string, message?: string) => {
    const { metadata } = await until('the pod', pod);
    const where = { namespace: metadata.namespace!, name: metadata.name };
    const body = { status: { phase, ...(message !== undefined && { message }) } };
    await client.patch(pods, where, { type: 'merge', body }, { subresource: 'status' });
    return metadata.uid;
  };
  const remove = () => client.delete(persistentVolumeClaims, name);
  const nothingLeft = () =>
    until('the end of all', () => claims.size === 0 && volumes.size === 0 && podInformer.size === 0);
  const told = async (reason: string) =>
    (await stack.events()).filter((one) => one.startsWith(`${reason}: `));
  return {
    ...stack,
    ...{ until, hello, claim, prime, pod, end, remove, nothingLeft, claims, volumes, metrics, told },
    podInformer,
    stop,
    make: (object = claimOf()) => client.create(persistentVolumeClaims, object),
  };
}
