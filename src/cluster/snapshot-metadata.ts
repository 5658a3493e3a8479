import type { Pki } from '../apiserver/auth/index.ts';
import type { Client, Component } from '../client/index.ts';
import { ignoreNotFound } from '../client/index.ts';
import type { CsiClient } from '../csi/index.ts';
import { type SnapshotMetadataService, snapshotMetadataServices } from '../kube/index.ts';
import { createSnapshotMetadata } from '../sidecars/snapshot-metadata/index.ts';
import type { ContextOf } from './actors.ts';
import { CSI_SNAPSHOT_METADATA } from './identities.ts';

/** Who vouches for servers of this cluster. */
export type ServerPki = Pick<Pki, 'ca' | 'serving'>;

const HOST = '127.0.0.1';
/** On objects that may be written anew: where the service listens is another port at each start. */
const MANAGED = { 'app.kubernetes.io/managed-by': 'stowage' };

/** The service of a driver's changed blocks, on a free port of this machine, announced in the cluster. */
export async function snapshotMetadataInCluster(
  contextOf: ContextOf,
  csi: CsiClient,
  pki: ServerPki,
): Promise<Component> {
  const context = await contextOf(CSI_SNAPSHOT_METADATA);
  return createSnapshotMetadata(context, {
    csi,
    listen: { host: HOST, port: 0 },
    // The certificate of this machine's servers: one of its own would cost every start the making of it.
    keyPair: async () => pki.serving,
    onListen: (driver, port) =>
      announce(context.client, driver, {
        // Tokens for the API server, or for another driver, are of no use here.
        audience: driver,
        address: `${HOST}:${port}`,
        caCert: Buffer.from(pki.ca).toString('base64'),
      }),
  });
}

/** Says where the service is; what somebody else has said stays. */
async function announce(client: Client, name: string, spec: SnapshotMetadataService['spec']): Promise<void> {
  const found = await ignoreNotFound(client.get(snapshotMetadataServices, { name }));
  if (!found) await client.create(snapshotMetadataServices, { metadata: { name, labels: MANAGED }, spec });
  else if (found.metadata.labels?.['app.kubernetes.io/managed-by'] === 'stowage')
    await client.update(snapshotMetadataServices, { ...found, spec });
}
