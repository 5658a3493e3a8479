import type { TestContext } from 'node:test';
import {
  events,
  type KubeObject,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
} from '../../kube/index.ts';
import { type ComponentStack, startStack } from '../../testing/component-stack.ts';
import { createProtectionControllers } from '../protection/index.ts';
import { createPersistentVolumeController } from './index.ts';

export interface ControllerStack extends ComponentStack {
  /** Successful writes of claims and volumes by the controllers. */
  readonly writes: string[];
  /** Holds up an update as long as it likes. */
  readonly hooks: { beforeUpdate?: (object: KubeObject) => Promise<void> | undefined };
  claim(name: string): Stored<PersistentVolumeClaim> | undefined;
  volume(name: string): Stored<PersistentVolume> | undefined;
  /** Resolves to the claim, once it is Bound. */
  bound(name: string): Promise<Stored<PersistentVolumeClaim>>;
  /** Takes a volume away, whatever protects it. */
  tearAway(volume: string): Promise<void>;
}

/** The controllers of volumes and claims on a registry in memory; all of it ends with the test. */
export async function startControllers(
  test: TestContext,
  options: { /** `demand`: the test starts the controller of volumes itself. */ startsAt?: 'demand' } = {},
): Promise<ControllerStack> {
  const writes: string[] = [];
  const hooks: ControllerStack['hooks'] = {};
  const stack = await startStack(test, {
    watch: [persistentVolumeClaims, persistentVolumes, events],
    wrap: (client) => ({
      ...client,
      async update(resource, object, updateOptions) {
        await hooks.beforeUpdate?.(object);
        const saved = await client.update(resource, object, updateOptions);
        writes.push(`${resource.kind}${updateOptions?.subresource ? `/${updateOptions.subresource}` : ''}`);
        return saved;
      },
    }),
  });
  stack.run(createProtectionControllers(stack.context));
  if (options.startsAt !== 'demand') stack.run(createPersistentVolumeController(stack.context));
  const { informers } = stack.context;
  const claim = (name: string) => informers.of(persistentVolumeClaims).get(name, 'default');
  return {
    ...stack,
    writes,
    hooks,
    claim,
    volume: (name) => informers.of(persistentVolumes).get(name),
    bound: (name) =>
      stack.until(`${name} is Bound`, () => {
        const found = claim(name);
        return found?.status?.phase === 'Bound' && found;
      }),
    async tearAway(name) {
      await stack.client.delete(persistentVolumes, { name });
      const body = { metadata: { finalizers: null } };
      await stack.client.patch(persistentVolumes, { name }, { type: 'merge', body });
    },
  };
}

export const volumeOf = (name: string, more: PersistentVolume['spec'] = {}): PersistentVolume => ({
  metadata: { name, finalizers: ['kubernetes.io/pv-protection'] },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    hostPath: { path: `/tmp/${name}` },
    ...more,
  },
});

/** `storageClassName: undefined` leaves the class open. */
export const claimOf = (name: string, more: PersistentVolumeClaim['spec'] = {}): PersistentVolumeClaim => ({
  metadata: { name, namespace: 'default' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: '',
    ...more,
  },
});
