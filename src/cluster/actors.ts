import type { Pki } from '../apiserver/auth/index.ts';
import { createLocalClient, type Registry, type UserInfo } from '../apiserver/index.ts';
import { createHttpClient, type HttpClientOptions } from '../client/http/index.ts';
import { type Client, type Component, type ComponentContext, Recorder } from '../client/index.ts';
import type { Running } from './running.ts';

/** The context of a component that acts as a user: what it reads, writes and tells is his. */
export type ContextOf = (user: UserInfo) => Promise<ComponentContext>;

/** A component and who it is. */
export interface Part {
  readonly user: UserInfo;
  create(context: ComponentContext): Component;
}

/** How a user reaches the API server. */
export interface Door {
  open(user: UserInfo): Promise<Client>;
  close(): void;
}

export function localDoor(registry: Registry): Door {
  return { open: async (user) => createLocalClient(registry, user), close() {} };
}

/** Over HTTPS, each user with a certificate of his own. */
export function httpDoor(
  connection: Pick<HttpClientOptions, 'server' | 'ca' | 'clock' | 'userAgent'>,
  pki: Pick<Pki, 'issue'>,
): Door {
  const closes: (() => void)[] = [];
  return {
    async open({ name, groups }) {
      // Who is known at all is in this group, and does not say so himself.
      const organizations = groups.filter((group) => group !== 'system:authenticated');
      const pair = await pki.issue({ commonName: name, organizations, usages: ['client'] });
      const client = createHttpClient({ ...connection, cert: pair.cert, key: pair.key });
      closes.push(() => client.close());
      return client;
    },
    close() {
      for (const close of closes) close();
    },
  };
}

/** What the components of a process share, but for who they are. */
export type Shared = Omit<ComponentContext, 'client' | 'recorder'>;

/** Makes each user's client once. When all components have stopped, what they told is written, and the door closed. */
export function contexts(shared: Shared, door: Door, running: Running): ContextOf {
  const recorders = new Set<Recorder>();
  running.onStop('events', async () => {
    await Promise.all([...recorders].map((recorder) => recorder.flush()));
    door.close();
  });
  const made = new Map<string, Promise<ComponentContext>>();
  const make = async (user: UserInfo): Promise<ComponentContext> => {
    const client = await door.open(user);
    const { clock, random, log } = shared;
    return {
      ...shared,
      client,
      recorder(component, host) {
        const recorder = new Recorder({ client, clock, random, log, component, host });
        recorders.add(recorder);
        return recorder;
      },
    };
  };
  return (user) => {
    let context = made.get(user.name);
    if (!context) {
      context = make(user);
      made.set(user.name, context);
    }
    return context;
  };
}
