import type { TestContext } from 'node:test';
import { seededRandom, type Trace } from '../base/index.ts';
import type { Client, Informers } from '../client/index.ts';
import {
  events,
  type KubeObject,
  nodes,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  priorityClasses,
  type Resource,
  type Stored,
} from '../kube/index.ts';
import { startStack } from '../testing/component-stack.ts';
import {
  type NodeFixture,
  newNode,
  newPod,
  newVolume,
  type PodFixture,
  type VolumeFixture,
} from './fixtures.ts';
import { createScheduler, type SchedulerOptions } from './index.ts';

export interface Stack {
  readonly client: Client;
  readonly informers: Informers;
  readonly trace: Trace;
  /** Every write of the scheduler. */
  readonly writes: string[];
  create<T extends KubeObject>(resource: Resource<T>, object: Stored<T>): Promise<Stored<T>>;
  node(name: string, fixture?: NodeFixture): Promise<unknown>;
  pod(name: string, fixture?: PodFixture): Promise<unknown>;
  /** Available. */
  volume(name: string, fixture?: VolumeFixture): Promise<unknown>;
  until<R>(what: string, look: () => R | undefined | false): Promise<R>;
  /** Resolves with the pod's node once it has one. */
  placed(name: string): Promise<string>;
  /** Resolves with the message once the pod is said to be unschedulable. */
  refused(name: string, reason?: string): Promise<string>;
  messages(reason: string): Promise<string[]>;
}

/** A registry in memory with a scheduler on it; all of it ends with the test. */
export async function startScheduler(test: TestContext, options: SchedulerOptions = {}): Promise<Stack> {
  const writes: string[] = [];
  const counting = (client: Client): Client => ({
    ...client,
    update(resource, object, rest) {
      writes.push(`update ${resource.plural} ${object.metadata?.name}`);
      return client.update(resource, object, rest);
    },
    patch(resource, name, patch, rest) {
      writes.push(`patch ${resource.plural} ${name.name}`);
      return client.patch(resource, name, patch, rest);
    },
    createSubresource(resource, name, subresource, body, rest) {
      writes.push(`post ${resource.plural}/${subresource} ${name.name}`);
      return client.createSubresource(resource, name, subresource, body, rest);
    },
  });
  const { client, context, until, run } = await startStack(test, {
    random: seededRandom(1),
    watch: [pods, nodes, persistentVolumeClaims, persistentVolumes, events],
    wrap: counting,
  });
  const { informers, trace } = context;
  run(createScheduler(context, options));
  const create: Stack['create'] = (resource, { apiVersion: _a, kind: _k, metadata, ...rest }) => {
    const { uid: _u, resourceVersion: _r, creationTimestamp: _c, ...kept } = metadata;
    return client.create(resource, { ...rest, metadata: kept } as never);
  };
  const find = (name: string): Stored<Pod> | undefined => informers.of(pods).get(name, 'default');
  return {
    client,
    informers,
    trace,
    writes,
    create,
    until,
    async node(name, fixture) {
      const node = await create(nodes, newNode(name, fixture));
      const { status } = newNode(name, fixture);
      return client.update(nodes, { ...node, status }, { subresource: 'status' });
    },
    async volume(name, fixture) {
      const volume = await create(persistentVolumes, newVolume(name, fixture));
      const available = { ...volume, status: { phase: 'Available' } };
      return client.update(persistentVolumes, available, { subresource: 'status' });
    },
    async pod(name, { priority, preemptionPolicy, ...fixture } = {}) {
      if (priority === undefined) return create(pods, newPod(name, fixture));
      // A pod gets its priority by a class only.
      const priorityClassName = `priority-${priority}-${preemptionPolicy ?? 'lower'}`.toLowerCase();
      const { items } = await client.list(priorityClasses);
      if (!items.some(({ metadata }) => metadata.name === priorityClassName)) {
        await client.create(priorityClasses, {
          metadata: { name: priorityClassName },
          value: priority,
          preemptionPolicy,
        });
      }
      return create(pods, newPod(name, { ...fixture, priorityClassName }));
    },
    placed: (name) => until(`${name} has a node`, () => find(name)?.spec?.nodeName),
    refused: (name, reason = 'Unschedulable') =>
      until(`${name} is ${reason}`, () => {
        const condition = find(name)?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
        return condition?.status === 'False' && condition.reason === reason && condition.message;
      }),
    messages: (reason) =>
      until(`an event ${reason}`, () => {
        const found = [...informers.of(events).values()].filter((event) => event.reason === reason);
        return found.length > 0 && found.map(({ message }) => message ?? '');
      }),
  };
}
