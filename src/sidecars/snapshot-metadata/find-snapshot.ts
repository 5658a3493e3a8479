import { errorMessage } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { Code, CsiStatus } from '../../csi/index.ts';
import {
  ANN_DEFAULT_SNAPSHOT_CLASS,
  annotation,
  type Stored,
  snapshotSecret,
  type VolumeSnapshot,
  type VolumeSnapshotClass,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../kube/index.ts';
import { credentialsOf } from '../shared/credentials.ts';

/** A snapshot as its driver knows it. */
export interface FoundSnapshot {
  readonly handle: string;
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * The snapshot that a VolumeSnapshot stands for, with what its class says the driver is to be asked with.
 * @throws CsiStatus UNAVAILABLE while it is not there or not ready; INVALID_ARGUMENT for another driver's.
 * Source: pkg/internal/server/grpc/snapshot.go and snapshotter_secret.go of external-snapshot-metadata.
 */
export async function findSnapshot(
  client: Client,
  driver: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<FoundSnapshot> {
  const snapshot = await read(`failed to get VolumeSnapshot '${namespace}/${name}'`, () =>
    client.get(volumeSnapshots, { namespace, name }),
  );
  if (!snapshot.status?.readyToUse) throw unavailable(`the VolumeSnapshot is not yet ready, name: ${name}`);
  const contentName = snapshot.status.boundVolumeSnapshotContentName;
  if (contentName === undefined)
    throw unavailable(`boundVolumeSnapshotContentName is not set in VolumeSnapshot status, name: ${name}`);
  const content = await read(`failed to get VolumeSnapshotContent '${contentName}'`, () =>
    client.get(volumeSnapshotContents, { name: contentName }),
  );
  if (!content.status?.readyToUse)
    throw unavailable(`the VolumeSnapshotContent is not yet ready, name: ${contentName}`);
  const handle = content.status.snapshotHandle;
  if (handle === undefined)
    throw unavailable(`snapshotHandle is not set in VolumeSnapshotContent status, name: ${contentName}`);
  if (content.spec.driver !== driver)
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      `VolumeSnapshot '${name}' does not belong to the CSI driver '${driver}'`,
    );
  return { handle, secrets: await secretsOf(client, driver, snapshot, contentName) };
}

async function secretsOf(
  client: Client,
  driver: string,
  snapshot: Stored<VolumeSnapshot>,
  contentName: string,
): Promise<Record<string, string>> {
  const { volumeSnapshotClassName: className } = snapshot.spec;
  const { parameters } =
    className === undefined
      ? await defaultClass(client, driver)
      : await read(`failed to get VolumeSnapshotClass '${className}'`, () =>
          client.get(volumeSnapshotClasses, { name: className }),
        );
  const reference = await read('invalid snapshotter secret parameters in VolumeSnapshotClass', async () =>
    snapshotSecret('snapshotter', parameters, 'volumesnapshot', contentName, snapshot.metadata),
  );
  return read('failed to get credentials', () => credentialsOf(client, reference));
}

async function defaultClass(client: Client, driver: string): Promise<Stored<VolumeSnapshotClass>> {
  const { items } = await read('failed to list VolumeSnapshotClasses', () =>
    client.list(volumeSnapshotClasses),
  );
  const [only, ...others] = items.filter(
    (one) => one.driver === driver && annotation(one, ANN_DEFAULT_SNAPSHOT_CLASS) === 'true',
  );
  if (!only) throw unavailable(`no default VolumeSnapshotClass is set for the CSI driver '${driver}'`);
  if (others.length > 0)
    throw unavailable(`multiple default VolumeSnapshotClasses are set for the CSI driver '${driver}'`);
  return only;
}

async function read<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw unavailable(`${what}: ${errorMessage(cause)}`, cause);
  }
}

function unavailable(details: string, cause?: unknown): CsiStatus {
  return new CsiStatus(Code.UNAVAILABLE, details, { cause });
}
