import { type Clock, errorMessage } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import type { Handlers, snapshotMetadataApi } from '../../csi/index.ts';
import { Code, type CsiClient, CsiError, CsiStatus, type csi } from '../../csi/index.ts';
import { type AccessOptions, checkAccess } from './access.ts';
import { type FoundSnapshot, findSnapshot } from './find-snapshot.ts';
import type { StartStream, StreamLabels, StreamOperation } from './metrics.ts';

export interface ServiceOptions extends AccessOptions {
  readonly client: Client;
  readonly csi: CsiClient;
  readonly clock: Clock;
  /** Whether the driver can be asked. */
  isReady(): boolean;
  /** For a whole stream. */
  readonly maxStreamMs: number;
  readonly startStream: StartStream;
}

type CsiMetadata = csi.GetMetadataAllocatedResponse | csi.GetMetadataDeltaResponse;

interface CallOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What of a call is its own. */
interface Call {
  readonly operation: StreamOperation;
  readonly labels: StreamLabels;
  readonly token: string;
  readonly namespace: string;
  /** Fields that must be there, with what is said when they are not. */
  readonly required: readonly (readonly [value: string, complaint: string])[];
  readonly snapshot: string;
  ask(snapshot: FoundSnapshot, options: CallOptions): AsyncIterable<CsiMetadata>;
}

/**
 * The Kubernetes service in front of a driver's SnapshotMetadata: callers show a token and name VolumeSnapshots, the
 * driver gets handles and secrets; what it answers is passed on as it comes. Source: pkg/internal/server/grpc of
 * external-snapshot-metadata.
 */
export function snapshotMetadataHandlers(
  options: ServiceOptions,
): Handlers<typeof snapshotMetadataApi.SnapshotMetadata> {
  const { snapshotMetadata } = options.csi;
  return {
    getMetadataAllocated({ securityToken, namespace, snapshotName, startingOffset, maxResults }, { signal }) {
      return stream(options, signal, {
        operation: 'MetadataAllocated',
        labels: { target: `${namespace}/${snapshotName}` },
        token: securityToken,
        namespace,
        required: [[snapshotName, 'snapshotName cannot be empty']],
        snapshot: snapshotName,
        ask: ({ handle, secrets }, call) =>
          snapshotMetadata.getMetadataAllocated(
            { snapshotId: handle, startingOffset, maxResults, secrets },
            call,
          ),
      });
    },
    getMetadataDelta(request, { signal }) {
      const { namespace, baseSnapshotId, targetSnapshotName, startingOffset, maxResults } = request;
      return stream(options, signal, {
        operation: 'MetadataDelta',
        labels: { target: `${namespace}/${targetSnapshotName}`, base: baseSnapshotId },
        token: request.securityToken,
        namespace,
        required: [
          [baseSnapshotId, 'baseSnapshotId cannot be empty'],
          [targetSnapshotName, 'targetSnapshotName cannot be empty'],
        ],
        snapshot: targetSnapshotName,
        ask: ({ handle, secrets }, call) =>
          snapshotMetadata.getMetadataDelta(
            { baseSnapshotId, targetSnapshotId: handle, startingOffset, maxResults, secrets },
            call,
          ),
      });
    },
  };
}

async function* stream(options: ServiceOptions, signal: AbortSignal, call: Call) {
  const { client, driver, clock, startStream, maxStreamMs } = options;
  const deadlineMs = clock.monotonic() + maxStreamMs;
  const ended = startStream(call.operation, call.labels);
  // Of a caller that goes away in the middle nothing is heard any more.
  let outcome: unknown = new CsiStatus(Code.CANCELLED, 'the caller is gone');
  try {
    check(call);
    await checkAccess(options, call.token, call.namespace);
    if (!options.isReady()) throw new CsiStatus(Code.UNAVAILABLE, 'the CSI driver is not yet ready');
    const { namespace, snapshot: name } = call;
    const snapshot = await findSnapshot(client, driver, { namespace, name });
    const timeoutMs = Math.max(0, deadlineMs - clock.monotonic());
    for await (const part of call.ask(snapshot, { timeoutMs, signal })) yield passedOn(part);
    outcome = undefined;
  } catch (error) {
    outcome = toStatus(error);
    throw outcome;
  } finally {
    ended(outcome);
  }
}

/** @throws CsiStatus INVALID_ARGUMENT */
function check({ token, namespace, required }: Call): void {
  const all = [
    [token, 'securityToken is missing'],
    [namespace, 'namespace parameter cannot be empty'],
    ...required,
  ] as const;
  const missing = all.find(([value]) => value === '');
  if (missing) throw new CsiStatus(Code.INVALID_ARGUMENT, missing[1]);
}

function passedOn({ blockMetadataType, volumeCapacityBytes, blockMetadata }: CsiMetadata) {
  return {
    blockMetadataType: blockMetadataType as number,
    volumeCapacityBytes,
    blockMetadata: blockMetadata.map(({ byteOffset, sizeBytes }) => ({ byteOffset, sizeBytes })),
  };
}

/** A status is passed on, the driver's too. */
function toStatus(error: unknown): unknown {
  if (error instanceof CsiStatus) return error;
  if (error instanceof CsiError && error.code !== Code.UNKNOWN) return error;
  return new CsiStatus(Code.INTERNAL, `failed to get response from CSI driver: ${errorMessage(error)}`, {
    cause: error,
  });
}
