import { create, type Message } from '@bufbuild/protobuf';
import { Code, type CsiServices, CsiStatus, type csi, type Routes } from '../../../src/csi/index.ts';
import { type Storage, TOPOLOGY } from './correct.ts';

type Controller = Required<NonNullable<CsiServices['controller']>>;
type Node = Required<NonNullable<CsiServices['node']>>;

type Request = Message & Readonly<Record<string, unknown>>;

/** One thing that a driver does wrong, and the checks that must find it: these, and no others. */
export interface Fault {
  readonly name: string;
  readonly found: readonly string[];
  /** Checks that cannot be made because of it. @default none */
  readonly blocks?: readonly string[];
  /** Handlers in place of the correct ones. */
  handlers?(
    correct: { controller: Controller; node: Node },
    storage: Storage,
  ): { controller?: Partial<Controller>; node?: Partial<Node> };
  /** What the toolkit would do right: a call as it comes, before the toolkit looks at it. */
  around?(rpc: string, request: Request, serve: (request: Message) => Promise<Message>): Promise<Message>;
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'takes a volume without a name',
    found: ['CreateVolume/without-name'],
    around: (rpc, request, serve) =>
      serve(rpc === 'CreateVolume' && request.name === '' ? { ...request, name: 'unnamed' } : request),
  },
  {
    name: 'makes a new volume each time it is asked',
    found: ['CreateVolume/same-again', 'CreateVolume/same-name-other-size', 'CreateVolume/same-name-at-once'],
    handlers({ controller }) {
      let made = 0;
      return {
        controller: {
          createVolume: (request, context) =>
            controller.createVolume({ ...request, name: `${request.name} ${made++}` }, context),
        },
      };
    },
  },
  {
    name: 'makes two volumes when it is asked twice at once',
    found: ['CreateVolume/same-name-at-once'],
    around: (() => {
      const running = new Map<unknown, number>();
      return async (rpc: string, request: Request, serve: (request: Message) => Promise<Message>) => {
        if (rpc !== 'CreateVolume') return serve(request);
        const { name } = request;
        const others = running.get(name) ?? 0;
        running.set(name, others + 1);
        try {
          return await serve(others === 0 ? request : { ...request, name: `${name} ${others}` });
        } finally {
          running.set(name, running.get(name)! - 1);
        }
      };
    })(),
  },
  {
    name: 'cuts names off',
    found: ['CreateVolume/name-of-128-bytes'],
    handlers: ({ controller }) => ({
      controller: {
        createVolume: (request, context) =>
          controller.createVolume({ ...request, name: request.name.slice(0, 100) }, context),
      },
    }),
  },
  {
    name: 'fails to delete what it does not know',
    found: ['DeleteVolume/unknown', 'DeleteVolume/strange'],
    handlers({ controller }, storage) {
      const known = new Set<string>();
      return {
        controller: {
          deleteVolume(request, context) {
            if (storage.volumes.has(request.volumeId)) known.add(request.volumeId);
            if (!known.has(request.volumeId)) throw new CsiStatus(Code.NOT_FOUND, 'no such volume');
            return controller.deleteVolume(request, context);
          },
        },
      };
    },
  },
  {
    name: 'gives the same page for every token',
    found: ['ListVolumes/pages', 'ListVolumes/bad-token'],
    handlers: ({ controller }) => ({
      controller: {
        listVolumes: (request, context) => controller.listVolumes({ ...request, startingToken: '' }, context),
      },
    }),
  },
  {
    name: 'answers INTERNAL for a volume that does not exist',
    found: ['ControllerPublishVolume/unknown-volume'],
    handlers: ({ controller }, storage) => ({
      controller: {
        controllerPublishVolume(request, context) {
          if (!storage.volumes.has(request.volumeId)) throw new Error('undefined is not a volume');
          return controller.controllerPublishVolume(request, context);
        },
      },
    }),
  },
  {
    name: 'ignores readonly on the node',
    found: [
      'NodePublishVolume/read-only-then-writable',
      'NodePublishVolume/writable-then-read-only',
      'NodePublishVolume/read-only',
    ],
    handlers: ({ node }) => ({
      node: {
        nodePublishVolume: (request, context) =>
          node.nodePublishVolume({ ...request, readonly: false }, context),
      },
    }),
  },
  {
    name: 'leaves the target path behind',
    found: ['NodeUnpublishVolume/twice'],
    handlers: ({ node }, { host }) => ({
      node: {
        async nodeUnpublishVolume(request, context) {
          const answer = await node.nodeUnpublishVolume(request, context);
          await host.files.makeDirectory(request.targetPath);
          return answer;
        },
      },
    }),
  },
  {
    name: 'publishes what is not staged: an empty directory',
    found: ['NodePublishVolume/not-staged'],
    handlers: ({ node }, { host }) => ({
      node: {
        async nodePublishVolume(request, context) {
          if (await host.mounts.isMountPoint(request.stagingTargetPath))
            return node.nodePublishVolume(request, context);
          await host.files.makeDirectory(request.targetPath);
          return {};
        },
      },
    }),
  },
  {
    name: 'restores an empty volume',
    found: ['CreateVolume/restored'],
    handlers: ({ controller }, storage) => ({
      controller: {
        async createVolume(request, context) {
          const answer = await controller.createVolume(request, context);
          if (request.volumeContentSource?.type.case === 'snapshot') {
            const path = storage.path(answer.volume!.volumeId!);
            await storage.host.files.removeTree(path);
            await storage.host.files.makeDirectory(path);
          }
          return answer;
        },
      },
    }),
  },
  {
    name: 'says of volumes that they are somewhere else',
    found: ['CreateVolume/accessible'],
    handlers: ({ controller }) => ({
      controller: {
        async createVolume(request, context) {
          const { volume } = await controller.createVolume(request, context);
          const { volumeId, capacityBytes, contentSource } = volume as csi.Volume;
          const accessibleTopology = [{ segments: { [TOPOLOGY]: 'elsewhere' } }];
          return { volume: { volumeId, capacityBytes, contentSource, accessibleTopology } };
        },
      },
    }),
  },
  {
    name: 'says that a volume has grown when it has not',
    found: ['ControllerExpandVolume/twice'],
    handlers: ({ controller }, storage) => ({
      controller: {
        controllerExpandVolume(request, context) {
          const { capacityBytes } = storage.volume(request.volumeId);
          void controller.controllerExpandVolume(request, context);
          return { capacityBytes, nodeExpansionRequired: true };
        },
      },
    }),
  },
  {
    name: 'cannot unstage',
    found: ['NodeUnstageVolume/twice', 'NodeUnstageVolume/unknown-volume', 'Volume Lifecycle/clean-up'],
    blocks: ['NodePublishVolume/data', 'CreateVolume/restored', 'CreateVolume/cloned'],
    handlers: () => ({
      node: {
        nodeUnstageVolume() {
          throw new CsiStatus(Code.INTERNAL, 'the device is busy');
        },
      },
    }),
  },
];

/** The routes of a driver with what it gets wrong before the toolkit sees a request. */
export function misled(routes: Routes, { around }: Fault): Routes {
  if (!around) return routes;
  const wrong = new Map(routes);
  for (const [path, route] of routes) {
    if (route.kind !== 'unary') continue;
    const call: typeof route.call = (request, incoming) =>
      around(route.method.name, request as Request, (other) =>
        route.call(other === request ? request : create(route.method.input, other), incoming),
      );
    wrong.set(path, { ...route, call });
  }
  return wrong;
}
