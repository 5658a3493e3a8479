import type { TestContext } from 'node:test';
import { serveAccessReviews } from '../apiserver/auth/index.ts';
import { createLocalClient, createRegistry, openStore } from '../apiserver/index.ts';
import { type Clock, type Random, silentLogger, systemClock, systemRandom, Trace } from '../base/index.ts';
import {
  type Client,
  type Component,
  type ComponentContext,
  Informers,
  Recorder,
  waitUntil,
} from '../client/index.ts';
import { type Event, events, type Resource, type Stored } from '../kube/index.ts';

/** Components on an API server in memory. */
export interface ComponentStack {
  /** The test's own client: nothing of it is counted or delayed. */
  readonly client: Client;
  readonly context: ComponentContext;
  /** Resolves with the first truthy answer of `look`, which is asked after every change of the watched resources. */
  until<R>(what: string, look: () => R | undefined | false): Promise<R>;
  /** `reason: message` of every event written, oldest first; all that were recorded are written. */
  events(): Promise<string[]>;
  /** Starts components; they run until the stack or the returned function stops them. */
  run(...components: Component[]): () => Promise<void>;
}

export interface ComponentStackOptions {
  /** The components' time. @default the system's */
  readonly clock?: Clock;
  /** The components' chance. @default the system's */
  readonly random?: Random;
  /** What `until` watches. */
  readonly watch: readonly Resource[];
  /** What the components see of the client. */
  wrap?(client: Client): Client;
}

/** An API server in memory with informers; all of it, and what runs on it, ends with the test. */
export async function startStack(test: TestContext, options: ComponentStackOptions): Promise<ComponentStack> {
  const clock = options.clock ?? systemClock;
  const shared = { clock, random: options.random ?? systemRandom, log: silentLogger };
  const store = await openStore({ memory: true });
  const registry = await createRegistry({ store, ...shared });
  serveAccessReviews(registry);
  const client = createLocalClient(registry);
  const informers = new Informers({ client, ...shared });
  const recorder = new Recorder({ client, ...shared, component: 'test' });
  const context: ComponentContext = {
    client: options.wrap?.(client) ?? client,
    informers,
    trace: new Trace(clock),
    recorder: () => recorder,
    ...shared,
  };
  const abort = new AbortController();
  const running = new Set<Promise<void>>([informers.start(abort.signal)]);
  test.after(async () => {
    abort.abort();
    await Promise.all(running);
    await recorder.flush();
    await registry.close();
  });
  return {
    client,
    context,
    until: (what, look) =>
      waitUntil(options.watch.map((resource) => informers.of(resource)) as never, look, {
        clock: systemClock,
        limitMs: 60_000,
        what,
      }),
    async events() {
      await recorder.flush();
      const list = await client.list(events);
      return list.items.map((event: Stored<Event>) => `${event.reason}: ${event.message}`);
    },
    run(...components) {
      const stop = new AbortController();
      abort.signal.addEventListener('abort', () => stop.abort(), { once: true });
      const done = Promise.all(components.map((component) => component.start(stop.signal))).then(
        () => undefined,
      );
      running.add(done);
      return async () => {
        stop.abort();
        await done;
      };
    },
  };
}
