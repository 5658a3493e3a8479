import type { Client } from '../client/index.ts';
import type { Channel, Sockets } from '../csi/index.ts';
import type { Host } from '../host/index.ts';
import {
  FINALIZER_CLAIM_AS_SOURCE,
  isConflict,
  type KubeObject,
  type Node,
  nodes,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  type Stored,
  volumeAttachments,
  volumeAttributesClasses,
  volumeSnapshotContents,
  volumeSnapshots,
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
    client: only('controllers', (client) =>
      withModes(client, persistentVolumes, (modes) => [...modes, 'ReadWriteMany']),
    ),
  },
  'lets two pods have a volume that is for one': {
    client: only(/^scheduler|^kubelet/, (client) => {
      const forOneNode = (modes: readonly string[]) =>
        modes.map((mode) => (mode === 'ReadWriteOncePod' ? 'ReadWriteOnce' : mode));
      return withModes(withModes(client, persistentVolumes, forOneNode), persistentVolumeClaims, forOneNode);
    }),
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
  'takes the word of its cache that a volume is not attached': {
    client: only('provisioner', (client) => ({
      ...client,
      // Only informers list with a signal: the answer to the other question is what the cache says, nothing.
      list: (async (resource: Resource, options?: { signal?: AbortSignal }) => {
        const list = await client.list(resource, options);
        return is(resource, volumeAttachments) && !options?.signal ? { ...list, items: [] } : list;
      }) as Client['list'],
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
    sockets: only('provisioner', renaming('CreateVolume')),
  },
  'takes for unpublished what was never unpublished': {
    sockets: only('kubelet', withholding('NodeUnpublishVolume')),
  },
  // Only two leaders at once bring it to light: the old one attaches, and leaves that to the new one.
  'never hears of an attachment that somebody else has made since it began': {
    client: only('controllers', (client) => {
      const known = new Set<string>();
      let begun = false;
      const isKnown = ({ metadata }: KubeObject) => known.has(metadata?.name ?? '');
      return {
        ...client,
        create: ((resource: Resource, object: KubeObject, options?: object) => {
          if (is(resource, volumeAttachments)) known.add(object.metadata?.name ?? '');
          return client.create(resource, object, options);
        }) as Client['create'],
        list: (async (resource: Resource, options?: object) => {
          const list = await client.list(resource, options);
          if (!is(resource, volumeAttachments)) return list;
          if (!begun) for (const { metadata } of list.items) known.add(metadata.name);
          begun = true;
          return { ...list, items: list.items.filter(isKnown) };
        }) as Client['list'],
        watch: async function* (resource: Resource, options?: object) {
          for await (const event of client.watch(resource, options))
            if (!is(resource, volumeAttachments) || event.type === 'BOOKMARK' || isKnown(event.object))
              yield event;
        } as unknown as Client['watch'],
      };
    }),
  },
  'asks for a snapshot by a new name at each try': {
    sockets: only('snapshotter', renaming('CreateSnapshot')),
  },
  'deletes the snapshot that is to outlive its object': {
    client: only(/^controllers|^snapshotter/, (client) =>
      seeing(client, volumeSnapshotContents, (content) => ({
        ...content,
        spec: { ...content.spec, deletionPolicy: 'Delete' as const },
      })),
    ),
  },
  'leaves the content of a snapshot that goes': {
    client: only('controllers', (client) => ({
      ...client,
      delete: ((resource: Resource, name: { name: string }, options?: object) =>
        is(resource, volumeSnapshotContents)
          ? Promise.resolve(undefined)
          : client.delete(resource, name, options)) as Client['delete'],
      update: ((resource: Resource, object: Stored<KubeObject>, options?: object) =>
        is(resource, volumeSnapshots)
          ? client.update(resource, released(object), options)
          : client.update(resource, object, options)) as Client['update'],
    })),
  },
  'does not keep a claim while a snapshot of it is taken': {
    client: only('controllers', (client) => ({
      ...client,
      update: ((resource: Resource, object: KubeObject, options?: object) =>
        object.metadata?.finalizers?.includes(FINALIZER_CLAIM_AS_SOURCE)
          ? Promise.resolve(object)
          : client.update(resource, object, options)) as Client['update'],
    })),
  },
  'asks for a group snapshot by a new name at each try': {
    sockets: only('snapshotter', renaming('CreateVolumeGroupSnapshot')),
  },
  'takes a group snapshot for deleted that nobody has deleted': {
    sockets: only('snapshotter', withholding('DeleteVolumeGroupSnapshot')),
  },
  'makes an empty volume where a copy is asked for': {
    sockets: only('provisioner', (sockets) =>
      calling(sockets, (channel, method, request, options) => {
        const { volumeContentSource, ...empty } = request as {
          volumeContentSource?: object;
        } & typeof request;
        return channel.unary(method, volumeContentSource ? empty : request, options);
      }),
    ),
  },
  'takes a volume for modified that nobody has modified': {
    sockets: only('resizer', withholding('ControllerModifyVolume')),
  },
  'forgets to have a FlexVolume detached': {
    host: only('controllers', running('detach')),
  },
  'takes a FlexVolume for unmounted that its driver has not unmounted': {
    host: only('kubelet', running('unmount')),
  },
  'takes an attachment for attached as soon as it is made': {
    client: only(/^controllers|^kubelet/, (client) =>
      seeing(client, volumeAttachments, (attachment) => ({
        ...attachment,
        status: { ...attachment.status, attached: true },
      })),
    ),
  },
  'does not write down which volume it has chosen for a claim': {
    client: only('scheduler', (client) => ({
      ...client,
      update: ((resource: Resource, object: KubeObject, options?: object) =>
        is(resource, persistentVolumes)
          ? Promise.resolve(object)
          : client.update(resource, object, options)) as Client['update'],
    })),
  },
  'lets a namespace go without looking at the claims in it': {
    client: only('controllers', (client) => ({
      ...client,
      list: (async (resource: Resource, options?: { namespace?: string }) => {
        const list = await client.list(resource, options);
        return is(resource, persistentVolumeClaims) && options?.namespace ? { ...list, items: [] } : list;
      }) as Client['list'],
    })),
  },
  'lets a class of attributes go without looking who has it': {
    client: only('controllers', (client) => ({
      ...client,
      watch: async function* (resource: Resource, options?: object) {
        for await (const event of client.watch(resource, options)) {
          if (is(resource, volumeAttributesClasses) && event.type !== 'BOOKMARK')
            await client.update(resource, released(event.object)).catch(() => undefined);
          yield event;
        }
      } as unknown as Client['watch'],
    })),
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

/** A host on which drivers are never told this, and are taken to have done it. */
function running(command: string): (host: Host) => Host {
  return (host) => ({
    ...host,
    processes: {
      ...host.processes,
      exec: (path, args, options) =>
        args[0] === command
          ? Promise.resolve({ exitCode: 0, stdout: '{"status":"Success"}', stderr: '' })
          : host.processes.exec(path, args, options),
    },
  });
}

/** Sockets on which each call of this one has another name. */
function renaming(rpc: string): (sockets: Sockets) => Sockets {
  return (sockets) => {
    let tries = 0;
    return calling(sockets, (channel, method, request, options) => {
      const { name } = request as { name?: string };
      const again = method.name === rpc ? { ...request, name: `${name}-${++tries}` } : request;
      return channel.unary(method, again, options);
    });
  };
}

/** Sockets on which drivers are never told this, and are taken to have done it. */
function withholding(rpc: string): (sockets: Sockets) => Sockets {
  return (sockets) =>
    calling(sockets, (channel, method, request, options) =>
      method.name === rpc
        ? Promise.resolve({ $typeName: `csi.v1.${rpc}Response` } as never)
        : channel.unary(method, request, options),
    );
}

function released<T extends KubeObject>(object: T): T {
  const { metadata } = object;
  return metadata?.deletionTimestamp ? { ...object, metadata: { ...metadata, finalizers: [] } } : object;
}

/** The bug is in the processes whose name begins so. */
function only<T>(part: string | RegExp, bug: (thing: T) => T): (thing: T, name: string) => T {
  return (thing, name) => (name.search(part) === 0 ? bug(thing) : thing);
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

interface WithModes extends KubeObject {
  readonly spec?: { readonly accessModes?: readonly string[] };
}

/** A client that sees other access modes than there are; what it writes keeps those that there are. */
function withModes<T extends WithModes>(
  client: Client,
  resource: Resource<T>,
  change: (modes: readonly string[]) => readonly string[],
): Client {
  const real = new Map<string, readonly string[]>();
  const having = (object: Stored<T>, accessModes: readonly string[]): Stored<T> => ({
    ...object,
    spec: { ...object.spec, accessModes },
  });
  return {
    ...seeing(client, resource, (object) => {
      const modes = object.spec?.accessModes ?? [];
      real.set(object.metadata.uid, modes);
      return having(object, change(modes));
    }),
    update: ((written: Resource<T>, object: Stored<T>, options?: object) => {
      const modes = is(written, resource) ? real.get(object.metadata.uid) : undefined;
      return client.update(written, modes ? having(object, modes) : object, options);
    }) as Client['update'],
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
