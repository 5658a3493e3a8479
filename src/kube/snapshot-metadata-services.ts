import type { Resource } from './resources.ts';
import type { KubeObject } from './types.ts';

/**
 * Where the blocks of a driver's snapshots can be asked for; its name is the driver's. Source:
 * external-snapshot-metadata 1, cbt.storage.k8s.io/v1beta1.
 */
export interface SnapshotMetadataService extends KubeObject {
  readonly spec: {
    /** What tokens of callers must be made out for. */
    readonly audience: string;
    /** HOST:PORT of the gRPC service. */
    readonly address: string;
    /** Those that vouch for its certificate: PEM in base64. */
    readonly caCert: string;
  };
}

export const snapshotMetadataServices: Resource<SnapshotMetadataService> = {
  group: 'cbt.storage.k8s.io',
  version: 'v1beta1',
  kind: 'SnapshotMetadataService',
  plural: 'snapshotmetadataservices',
  singular: 'snapshotmetadataservice',
  shortNames: ['sms'],
  categories: [],
  namespaced: false,
};
