import {
  create,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { Health, HealthCheckResponse_ServingStatus } from '../../csi/generated/health_pb.js';
import { SnapshotMetadata } from '../../csi/generated/snapshot-metadata_pb.js';

/** How a call has failed: `UNAVAILABLE the VolumeSnapshot is not yet ready, name: s`. */
export type Failure = string;

interface Asked<Method extends DescMethodServerStreaming> {
  readonly parts: readonly MessageShape<Method['output']>[];
  readonly failure: Failure | undefined;
}

const asIs = (bytes: Buffer) => bytes;
const { getMetadataAllocated, getMetadataDelta } = SnapshotMetadata.method;
type Allocated = typeof getMetadataAllocated;
type Delta = typeof getMetadataDelta;

/** A backup program, which knows of the service what its SnapshotMetadataService says. */
export class BackupClient {
  readonly #client: grpc.Client;

  constructor(address: string, caCert: string) {
    const ca = Buffer.from(caCert, 'base64');
    this.#client = new grpc.Client(address, grpc.credentials.createSsl(ca), {
      // A connection of its own each: it sees the certificate that is served now.
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  allocated(request: MessageInitShape<Allocated['input']>): Promise<Asked<Allocated>> {
    return this.#stream(getMetadataAllocated, request);
  }

  delta(request: MessageInitShape<Delta['input']>): Promise<Asked<Delta>> {
    return this.#stream(getMetadataDelta, request);
  }

  /** What the server says of itself: SERVING, NOT_SERVING. */
  async health(): Promise<string> {
    const method: DescMethodUnary<typeof Health.method.check.input, typeof Health.method.check.output> =
      Health.method.check;
    const request = toBinary(method.input, create(method.input));
    const response = await new Promise<Buffer>((resolve, reject) =>
      this.#client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        asIs,
        asIs,
        Buffer.from(request),
        (error, value) => (error ? reject(error) : resolve(value!)),
      ),
    );
    return HealthCheckResponse_ServingStatus[fromBinary(method.output, response).status];
  }

  close(): void {
    this.#client.close();
  }

  async #stream<Method extends DescMethodServerStreaming>(
    method: Method,
    request: MessageInitShape<Method['input']>,
  ): Promise<Asked<Method>> {
    const call = this.#client.makeServerStreamRequest(
      `/snapshotmetadata.SnapshotMetadata/${method.name}`,
      asIs,
      asIs,
      Buffer.from(toBinary(method.input, create(method.input, request))),
    );
    const parts: MessageShape<Method['output']>[] = [];
    try {
      for await (const part of call)
        parts.push(fromBinary(method.output, part as Buffer) as MessageShape<Method['output']>);
    } catch (error) {
      const { code, details } = error as grpc.ServiceError;
      return { parts, failure: `${grpc.status[code]} ${details}` };
    }
    return { parts, failure: undefined };
  }
}
