import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import { type Client, type Component, type ComponentContext, Informers } from '../../client/index.ts';
import {
  forbidden,
  hasFinalizer,
  type KubeObject,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  pods,
  type Resource,
  type Stored,
  type WatchEvent,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';

/** The seconds in which a controller comes to rest, tries after failures included. Nobody waits for them. */
const SECONDS = 30;

/** What the controllers hear of pods: all, nothing, or all but that pods go, as after a lost connection. */
export type Hearing = 'all' | 'nothing' | 'no deletions';

/** Something that happens to what is stored. */
export type Happening = (client: Client) => Promise<unknown>;

export interface ProtectionCase {
  readonly name: string;
  readonly before: readonly Happening[];
  /** While the controller runs. */
  readonly later?: readonly Happening[];
  readonly hearing?: Hearing;
  /** How many of the controller's next updates, or lists of pods, fail. */
  readonly refuse?: { readonly update?: number; readonly list?: number };
  /** What the controller has tried to write: `NAME protected`, `NAME freed`, `NAME told` (its status). */
  readonly writes: readonly string[];
}

/** Runs a case to its end; resolves to what the controller has tried to write, sorted. */
export async function writesOf(
  test: TestContext,
  { before, later = [], hearing = 'all', refuse = {} }: ProtectionCase,
  finalizer: string,
  create: (context: ComponentContext) => Component,
): Promise<string[]> {
  const clock = new FakeClock();
  const writes: string[] = [];
  const left = { update: 0, list: 0, ...refuse };
  const fails = (verb: 'update' | 'list', resource: Resource<never>) => {
    if (left[verb]-- > 0) throw forbidden(resource, '', 'Mock error');
  };
  const { client, context, run } = await startStack(test, {
    clock,
    watch: [],
    wrap: (inner) => ({
      ...inner,
      async update(resource, object, options) {
        const what = options?.subresource ? 'told' : hasFinalizer(object, finalizer) ? 'protected' : 'freed';
        writes.push(`${object.metadata?.name} ${what}`);
        fails('update', resource as never);
        return inner.update(resource, object, options);
      },
      async list(resource, options) {
        if (resource.plural === pods.plural) fails('list', resource as never);
        return inner.list(resource, options);
      },
    }),
  });
  for (const happens of before) await happens(client);
  const informers = new Informers({ ...context, client: hearingOf(client, hearing) });
  const stop = new AbortController();
  const running = informers.start(stop.signal);
  test.after(async () => {
    stop.abort();
    await running;
  });
  const rest = async () => {
    for (let second = 0; second < SECONDS; second++) await clock.advance(1_000);
  };
  run(create({ ...context, informers }));
  await rest();
  for (const happens of later) await happens(client);
  await rest();
  return writes.sort();
}

export async function assertCase(...given: Parameters<typeof writesOf>): Promise<void> {
  assert.deepEqual(await writesOf(...given), [...given[1].writes].sort());
}

function hearingOf(client: Client, hearing: Hearing): Client {
  if (hearing === 'all') return client;
  return {
    ...client,
    watch(resource, options) {
      if (resource.plural !== pods.plural) return client.watch(resource, options);
      const labelSelector = hearing === 'nothing' ? 'heard=of' : undefined;
      return withoutDeletions(client.watch(resource, { ...options, labelSelector }));
    },
  };
}

async function* withoutDeletions<T extends KubeObject>(events: AsyncIterable<WatchEvent<Stored<T>>>) {
  for await (const event of events) if (event.type !== 'DELETED') yield event;
}

const NAMESPACE = 'default';

/** Makes an object, with these finalizers in place of those that admission gives it. */
export async function createWith<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: T,
  finalizers: readonly string[] = [],
): Promise<void> {
  const { name, namespace } = (await client.create(resource, object)).metadata;
  const body = { metadata: { finalizers: finalizers.length > 0 ? finalizers : null } };
  await client.patch(resource, { name, namespace }, { type: 'merge', body });
}

export interface ClaimNotes {
  readonly namespace?: string;
  readonly finalizers?: string[];
  readonly spec?: Partial<NonNullable<PersistentVolumeClaim['spec']>>;
  readonly status?: PersistentVolumeClaim['status'];
}

export const claim =
  (name: string, { namespace = NAMESPACE, finalizers, spec, status }: ClaimNotes = {}): Happening =>
  async (client) => {
    const own = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec };
    await createWith(
      client,
      persistentVolumeClaims,
      { metadata: { name, namespace }, spec: own },
      finalizers,
    );
    if (status) await claimStatus(name, status)(client);
  };

export const claimStatus =
  (name: string, status: PersistentVolumeClaim['status']): Happening =>
  (client) =>
    client.patch(
      persistentVolumeClaims,
      { namespace: NAMESPACE, name },
      { type: 'merge', body: { status } },
      { subresource: 'status' },
    );

export interface PodNotes {
  readonly namespace?: string;
  readonly nodeName?: string | undefined;
  /** The claims that it names. */
  readonly claims?: readonly string[];
  readonly phase?: string;
}

/** A pod on a node, unless said otherwise. */
export const pod =
  (name: string, notes: PodNotes = {}): Happening =>
  async (client) => {
    const { namespace = NAMESPACE, claims = [], phase } = notes;
    await client.create(pods, {
      metadata: { name, namespace },
      spec: {
        nodeName: 'nodeName' in notes ? notes.nodeName : 'node-1',
        containers: [{ name: 'c', image: 'i' }],
        volumes: [
          { name: 'scratch', emptyDir: {} },
          ...claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
        ],
      },
    });
    if (phase) await podPhase(name, phase)(client);
  };

export const podPhase =
  (name: string, phase: string): Happening =>
  (client) =>
    client.patch(
      pods,
      { namespace: NAMESPACE, name },
      { type: 'merge', body: { status: { phase } } },
      { subresource: 'status' },
    );

export const gone =
  <T extends KubeObject>(resource: Resource<T>, name: string, namespace?: string): Happening =>
  (client) =>
    client.delete(
      resource,
      { name, ...(resource.namespaced && { namespace: namespace ?? NAMESPACE }) },
      {
        gracePeriodSeconds: 0,
      },
    );
