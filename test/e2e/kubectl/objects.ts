import { listOf } from '../../support/kubectl-session.ts';

const requests = (storage: string) => ({ resources: { requests: { storage } } });
const pods = (app: string) => ({
  selector: { matchLabels: { app } },
  template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'c', image: 'busybox' }] } },
});
const volume = (name: string, storage: string, source: object) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name, labels: { app: 'volumes' } },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage }, storageClassName: 'manual', ...source },
});
const storage = { apiVersion: 'storage.k8s.io/v1' };

export const CLAIM = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', labels: { app: 'db' } },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', ...requests('1Gi') },
};

export const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'dep' },
  spec: { replicas: 0, ...pods('dep') },
};

/** One of each storage kind, and what uses them. No node takes part. */
export const OBJECTS = listOf(
  {
    ...storage,
    kind: 'StorageClass',
    metadata: { name: 'fast' },
    provisioner: 'disk.csi.stowage.dev',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  },
  CLAIM,
  volume('large', '3Gi', { csi: { driver: 'd.example.com', volumeHandle: 'h', fsType: 'ext4' } }),
  volume('small', '1Gi', { hostPath: { path: '/small' } }),
  volume('middle', '2Gi', { nfs: { server: 's', path: '/middle' } }),
  {
    ...storage,
    kind: 'VolumeAttachment',
    metadata: { name: 'attachment' },
    spec: { attacher: 'd.example.com', nodeName: 'n1', source: { persistentVolumeName: 'large' } },
  },
  {
    ...storage,
    kind: 'CSIDriver',
    metadata: { name: 'd.example.com' },
    spec: { attachRequired: true, podInfoOnMount: true },
  },
  {
    ...storage,
    kind: 'CSINode',
    metadata: { name: 'n1' },
    spec: { drivers: [{ name: 'd.example.com', nodeID: 'id', allocatable: { count: 5 } }] },
  },
  {
    ...storage,
    kind: 'CSIStorageCapacity',
    metadata: { name: 'cap' },
    storageClassName: 'fast',
    capacity: '5Gi',
  },
  {
    ...storage,
    kind: 'VolumeAttributesClass',
    metadata: { name: 'gold' },
    driverName: 'd.example.com',
    parameters: { iops: '5' },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web' },
    spec: { replicas: 0, ...pods('web') },
  },
  { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent' }, spec: pods('agent') },
  DEPLOYMENT,
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod', labels: { app: 'x' } },
    spec: {
      containers: [{ name: 'c', image: 'busybox', volumeMounts: [{ name: 'd', mountPath: '/d' }] }],
      volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'told', namespace: 'default' },
    involvedObject: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'data', namespace: 'default' },
    reason: 'Told',
    message: 'because',
    type: 'Normal',
    count: 3,
    source: { component: 'me' },
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
  },
);
