import type { Crd } from '../types.ts';
import { define } from './define.ts';
import { object, resource, text } from './schema.ts';

const snapshotMetadataService = resource(
  {
    'spec!': object(
      {
        'address!': text('Where the gRPC service is, as HOST:PORT.'),
        'audience!': text('What the tokens of callers must be made out for.'),
        'caCert!': text('The certificates that vouch for the service: PEM, in base64.', { format: 'byte' }),
      },
      'How it is called.',
    ),
  },
  'Says where a CSI driver, of the same name, tells which blocks of its snapshots have changed.',
);

/** The CustomResourceDefinition of what announces the changed blocks of a driver's snapshots. */
export const snapshotMetadataServiceCrd: Crd = {
  metadata: {
    name: 'snapshotmetadataservices.cbt.storage.k8s.io',
    annotations: {
      'api-approved.kubernetes.io': 'https://github.com/kubernetes-csi/external-snapshot-metadata/pull/2',
    },
  },
  spec: {
    group: 'cbt.storage.k8s.io',
    names: {
      plural: 'snapshotmetadataservices',
      singular: 'snapshotmetadataservice',
      kind: 'SnapshotMetadataService',
      listKind: 'SnapshotMetadataServiceList',
      shortNames: ['sms'],
    },
    scope: 'Cluster',
    versions: [define('v1beta1', snapshotMetadataService, { storage: true })],
  },
};
