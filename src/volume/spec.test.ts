import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Volume } from '../kube/index.ts';
import { specFromVolume } from './spec.ts';

describe('a volume that is written in a pod is read-only', () => {
  const nfs = { server: 's', path: '/p' };
  const iscsi = { targetPortal: 't', iqn: 'i', lun: 0 };
  const cases: [string, Omit<Volume, 'name'>, boolean][] = [
    ['when it comes from the API', { configMap: { name: 'c' } }, true],
    ['when it is an image', { image: { reference: 'i' } }, true],
    ['when its CSI source says so', { csi: { driver: 'd', readOnly: true } }, true],
    ['when its FlexVolume source says so', { flexVolume: { driver: 'v/d', readOnly: true } }, true],
    ['when its NFS source says so', { nfs: { ...nfs, readOnly: true } }, true],
    ['when its iSCSI source says so', { iscsi: { ...iscsi, readOnly: true } }, true],
    ['when its FC source says so', { fc: { wwids: ['w'], readOnly: true } }, true],
    ['not when its source says no', { flexVolume: { driver: 'v/d', readOnly: false } }, false],
    ['not when its source says nothing', { nfs }, false],
    ['not when there is nothing to say', { emptyDir: {} }, false],
  ];
  for (const [what, source, readOnly] of cases)
    it(what, () => assert.equal(specFromVolume({ name: 'v', ...source }).readOnly, readOnly));
});
