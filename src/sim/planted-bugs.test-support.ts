import type { Client } from '../client/index.ts';
import type { Channel, Sockets } from '../csi/index.ts';
import {
  isConflict,
  type KubeObject,
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  type Stored,
  volumeAttachments,
  type WatchEvent,
} from '../kube/index.ts';
import type { Sabotage } from './world.ts';

/** Known bugs, each planted in what one process sees of its surroundings, so that no component needs a hook for it. */
export const plantedBugs: Readonly<Record<string, Sabotage>> = {
  'binds without the second phase: the claim never points to its volume': {
    client: only('controllers', (client) => ({
      ...client,
      update: ((resource: Resource, object: KubeObject, options?: { subresource?: string }) => {
        const pointing = (object as PersistentVolumeClaim).spec?.volumeName !== undefined;
        return is(resource, persistentVolumeClaims) && pointing && !options?.subresource
          ? Promise.resolve(object)
          : client.update(resource, object, options);
      }) as Client['update'],
    })),
  },
  'attaches without looking at the other node': {
    client: only('controllers', (client) => ({
      ...seeing(client, persistentVolumes, (volume: Stored<PersistentVolume>) => ({
        ...volume,
        spec: { ...volume.spec, accessModes: ['ReadWriteOnce', 'ReadWriteMany'] },
      })),
      update: ((resource: Resource, object: KubeObject, options?: object) => {
        const volume = object as PersistentVolume;
        const restored = { ...volume, spec: { ...volume.spec, accessModes: ['ReadWriteOnce'] } };
        return client.update(resource, is(resource, persistentVolumes) ? restored : object, options);
      }) as Client['update'],
    })),
  },
  'deletes a volume without looking whether it is attached': {
    client: only('provisioner', (client) => ({
      ...client,
      list: (async (resource: Resource, options?: object) => {
        const list = await client.list(resource, options);
        return is(resource, volumeAttachments) ? { ...list, items: [] } : list;
      }) as Client['list'],
      watch: ((resource: Resource, options?: object) =>
        is(resource, volumeAttachments)
          ? silence(client.watch(resource, options))
          : client.watch(resource, options)) as Client['watch'],
    })),
  },
  'forgets the finalizer of the attachment': {
    client: only('attacher', (client) => ({
      ...client,
      patch: ((resource: Resource, name: { name: string }, patch: { body: unknown }, options?: object) => {
        const text = JSON.stringify(patch.body);
        return is(resource, volumeAttachments) && text.includes('external-attacher/')
          ? client.get(resource, name)
          : client.patch(resource, name, patch as never, options);
      }) as Client['patch'],
    })),
  },
  'detaches without asking whether the node still uses the volume': {
    client: only('controllers', (client) =>
      seeing(client, nodes, (node: Stored<Node>) => ({
        ...node,
        status: { ...node.status, volumesInUse: [] },
      })),
    ),
  },
  'unmounts by the wrong key': {
    host: only('disk-driver', (host) => ({
      ...host,
      mounts: {
        ...host.mounts,
        async unmount(target) {
          const others = (await host.mounts.list()).filter((mount) => mount.target.includes('/pods/'));
          const wrong = target.includes('/pods/') ? others[0]?.target : undefined;
          return host.mounts.unmount(wrong ?? target);
        },
      },
    })),
  },
  'formats a disk without looking at what is on it': {
    host: only('disk-driver', (host) => ({
      ...host,
      disks: { ...host.disks, signature: async () => undefined },
    })),
  },
  'answers before what it has done is durable': {
    host: only('disk-driver', (host) => ({
      ...host,
      files: { ...host.files, syncDirectory: async () => undefined },
    })),
  },
  'asks for a volume by a new name at each try': {
    sockets: only('provisioner', (sockets) => {
      let tries = 0;
      return calling(sockets, (channel, method, request, options) => {
        const named = request as { name?: string };
        const again =
          method.name === 'CreateVolume' ? { ...request, name: `${named.name}-${++tries}` } : request;
        return channel.unary(method, again, options);
      });
    }),
  },
  'takes for unpublished what was never unpublished': {
    sockets: only('kubelet', (sockets) =>
      calling(sockets, (channel, method, request, options) =>
        method.name === 'NodeUnpublishVolume'
          ? Promise.resolve({ $typeName: 'csi.v1.NodeUnpublishVolumeResponse' } as never)
          : channel.unary(method, request, options),
      ),
    ),
  },
  'takes a conflict for a pod that is gone': {
    client: only('kubelet', (client) => ({
      ...client,
      patch: ((resource: Resource, name: { name: string }, patch: object, options?: object) =>
        client.patch(resource, name, patch as never, options).catch((error: unknown) => {
          if (is(resource, pods) && isConflict(error)) return {};
          throw error;
        })) as Client['patch'],
    })),
  },
};

/** The bug is in the processes whose name begins so. */
function only<T>(part: string, bug: (thing: T) => T): (thing: T, name: string) => T {
  return (thing, name) => (name.startsWith(part) ? bug(thing) : thing);
}

function is(resource: Resource | { readonly plural: string }, other: { readonly plural: string }): boolean {
  return resource.plural === other.plural;
}

/** A client that sees the objects of one resource otherwise than they are. */
function seeing<T extends KubeObject>(
  client: Client,
  changed: Resource<T>,
  change: (object: Stored<T>) => Stored<T>,
): Client {
  return {
    ...client,
    get: (async (resource: Resource<T>, name: { name: string }, options?: object) => {
      const object = await client.get(resource, name, options);
      return is(resource, changed) ? change(object) : object;
    }) as Client['get'],
    list: (async (resource: Resource<T>, options?: object) => {
      const list = await client.list(resource, options);
      return is(resource, changed) ? { ...list, items: list.items.map(change) } : list;
    }) as Client['list'],
    watch: async function* (resource: Resource<T>, options?: object) {
      for await (const event of client.watch(resource, options))
        yield is(resource, changed) && event.type !== 'BOOKMARK'
          ? { ...event, object: change(event.object) }
          : event;
    } as unknown as Client['watch'],
  };
}

/** A watch that never tells of anything. */
async function* silence(watch: AsyncIterable<WatchEvent<Stored<KubeObject>>>) {
  for await (const event of watch) if (event.type === 'BOOKMARK') yield event;
}

type Unary = Channel['unary'];

function calling(
  sockets: Sockets,
  unary: (channel: Channel, ...call: Parameters<Unary>) => ReturnType<Unary>,
): Sockets {
  return {
    ...sockets,
    channel(endpoint, clock) {
      const channel = sockets.channel(endpoint, clock);
      return { ...channel, unary: (...call) => unary(channel, ...call) };
    },
  };
}
