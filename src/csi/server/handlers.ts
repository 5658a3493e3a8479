import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Logger } from '../../base/index.ts';
import type {
  ControllerServiceCapability_RPC_Type,
  CreateSnapshotRequestSchema,
  CreateVolumeGroupSnapshotRequestSchema,
  CreateVolumeRequestSchema,
  NodeServiceCapability_RPC_Type,
  SnapshotSchema,
  VolumeGroupSnapshotSchema,
  VolumeSchema,
} from '../generated/csi_pb.js';
import type { CSI_SERVICES } from '../services.ts';

/** What a handler gets beside the request. */
export interface HandlerContext {
  /** `/csi.v1.Controller/CreateVolume` */
  readonly method: string;
  /** Aborts when the caller cancels, its deadline passes, or the server stops. The answer then reaches nobody. */
  readonly signal: AbortSignal;
  /** When the caller gives up: milliseconds since the epoch. */
  readonly deadlineMs: number | undefined;
  readonly log: Logger;
}

/** The handlers of a service, by the lower camel case names of its methods. A missing one answers UNIMPLEMENTED. */
export type Handlers<Service extends DescService> = {
  readonly [Name in keyof Service['method']]?: Handler<Service['method'][Name]>;
};

/**
 * Answers a request. To fail, throw a CsiStatus with the code that the specification gives for the case;
 * any other exception is answered as INTERNAL.
 */
export type Handler<Method> =
  Method extends DescMethodUnary<infer Input, infer Output>
    ? (
        request: MessageShape<Input>,
        context: HandlerContext,
      ) => Promise<MessageInitShape<Output>> | MessageInitShape<Output>
    : Method extends DescMethodServerStreaming<infer Input, infer Output>
      ? (request: MessageShape<Input>, context: HandlerContext) => AsyncIterable<MessageInitShape<Output>>
      : never;

export type ControllerCapability = keyof typeof ControllerServiceCapability_RPC_Type;
export type NodeCapability = keyof typeof NodeServiceCapability_RPC_Type;

/** Who the driver is. Given handlers replace the derived answers. */
export interface IdentityService extends Handlers<(typeof CSI_SERVICES)['identity']> {
  /** Domain-name style, at most 63 characters: `disk.csi.example.org`. */
  readonly name: string;
  readonly vendorVersion: string;
  readonly manifest?: Readonly<Record<string, string>>;
  /** Volumes are not reachable from every node: VOLUME_ACCESSIBILITY_CONSTRAINTS. @default false */
  readonly topology?: boolean;
  /** Whether volumes grow while in use. @default not said */
  readonly volumeExpansion?: 'ONLINE' | 'OFFLINE';
}

/**
 * What an earlier create of this name has made; undefined if there is nothing. With it a create that comes again is
 * answered without its handler: with what is there, or with ALREADY_EXISTS if that is not what is asked for. What the
 * thing does not tell of itself (the parameters of a volume) is for the author to compare.
 */
type ByName<Request extends DescMessage, Thing extends DescMessage> = (
  request: MessageShape<Request>,
  context: HandlerContext,
) => Promise<MessageInitShape<Thing> | undefined> | MessageInitShape<Thing> | undefined;

/** Controller handlers, and the capabilities that handlers cannot show (CLONE_VOLUME and the like). */
export interface ControllerService extends Handlers<(typeof CSI_SERVICES)['controller']> {
  readonly capabilities?: readonly ControllerCapability[];
  readonly volumeByName?: ByName<typeof CreateVolumeRequestSchema, typeof VolumeSchema>;
  readonly snapshotByName?: ByName<typeof CreateSnapshotRequestSchema, typeof SnapshotSchema>;
}

/** Node handlers, and the capabilities that handlers cannot show (VOLUME_MOUNT_GROUP and the like). */
export interface NodeService extends Handlers<(typeof CSI_SERVICES)['node']> {
  readonly capabilities?: readonly NodeCapability[];
}

export interface GroupControllerService extends Handlers<(typeof CSI_SERVICES)['groupController']> {
  readonly groupSnapshotByName?: ByName<
    typeof CreateVolumeGroupSnapshotRequestSchema,
    typeof VolumeGroupSnapshotSchema
  >;
}
export type SnapshotMetadataService = Handlers<(typeof CSI_SERVICES)['snapshotMetadata']>;

/** A driver: the services that it has. */
export interface CsiServices {
  readonly identity: IdentityService;
  readonly controller?: ControllerService;
  readonly node?: NodeService;
  readonly groupController?: GroupControllerService;
  readonly snapshotMetadata?: SnapshotMetadataService;
}
