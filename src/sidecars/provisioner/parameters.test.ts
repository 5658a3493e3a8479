// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the templates under test.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { driverParameters, fsTypeOf } from './parameters.ts';
import { secretReference } from './secrets.ts';
import { volumeNameFor } from './volume-name.ts';

describe('driverParameters', () => {
  it('leaves out what is for the sidecars', () => {
    const given = {
      'csi.storage.k8s.io/fstype': 'xfs',
      'csi.storage.k8s.io/provisioner-secret-name': 'a',
      'csi.storage.k8s.io/provisioner-secret-namespace': 'b',
      fstype: 'ext4',
      tier: 'gold',
    };
    assert.deepEqual(driverParameters(given), { fstype: 'ext4', tier: 'gold' });
  });
  it('refuses what it does not know under the reserved prefix', () => {
    assert.throws(
      () => driverParameters({ 'csi.storage.k8s.io/fsType': 'xfs' }),
      /found unknown parameter key "csi.storage.k8s.io\/fsType" with reserved namespace csi.storage.k8s.io\//,
    );
  });
});

describe('fsTypeOf', () => {
  const table: [Record<string, string>, string, string][] = [
    [{}, '', ''],
    [{}, 'ext4', 'ext4'],
    [{ 'csi.storage.k8s.io/fstype': 'xfs' }, 'ext4', 'xfs'],
    [{ fsType: 'btrfs' }, '', 'btrfs'],
  ];
  for (const [parameters, fallback, expected] of table) {
    it(`${JSON.stringify(parameters)} or ${JSON.stringify(fallback)} is ${JSON.stringify(expected)}`, () => {
      assert.equal(fsTypeOf(parameters, fallback), expected);
    });
  }
  it('refuses two', () => {
    const both = { FSTYPE: 'xfs', 'csi.storage.k8s.io/fstype': 'xfs' };
    assert.throws(() => fsTypeOf(both, ''), /fstype specified in parameters with both/);
  });
});

describe('secretReference', () => {
  const claim = { metadata: { name: 'data', namespace: 'team', annotations: { 'example.com/key': 'mine' } } };
  const params = (name: string, namespace: string, purpose = 'node-stage-') => ({
    [`csi.storage.k8s.io/${purpose}secret-name`]: name,
    [`csi.storage.k8s.io/${purpose}secret-namespace`]: namespace,
  });
  const find = (parameters: Record<string, string>) =>
    secretReference('node-stage', parameters, 'pvc-1', claim);

  it('fills in templates', () => {
    assert.deepEqual(find(params('s', 'n')), { name: 's', namespace: 'n' });
    assert.deepEqual(find(params('${pvc.name}-${pv.name}-${pvc.namespace}', '${pvc.namespace}')), {
      name: 'data-pvc-1-team',
      namespace: 'team',
    });
    assert.deepEqual(find(params("${pvc.annotations['example.com/key']}", 'n-${pv.name}')), {
      name: 'mine',
      namespace: 'n-pvc-1',
    });
  });
  it('falls back to the default secret, and to none', () => {
    assert.deepEqual(find(params('all', 'n', '')), { name: 'all', namespace: 'n' });
    assert.deepEqual(find({ ...params('all', 'n', ''), ...params('own', 'm') }), {
      name: 'own',
      namespace: 'm',
    });
    assert.equal(find(params('other', 'n', 'provisioner-')), undefined);
  });
  it('reads the keys of old', () => {
    const old = { csiNodeStageSecretName: 's', csiNodeStageSecretNamespace: 'n' };
    assert.deepEqual(find(old), { name: 's', namespace: 'n' });
    assert.throws(
      () => find({ ...old, ...params('s', 'n') }),
      /NodeStage secrets specified in parameters with both/,
    );
  });
  it('refuses what is not clear', () => {
    const table: [Record<string, string>, RegExp][] = [
      [{ 'csi.storage.k8s.io/node-stage-secret-name': 's' }, /Both must be specified/],
      [params('', 'n'), /value of either namespace or name is empty/],
      [params('s', '${pvc.name}'), /error resolving value "\$\{pvc.name\}": invalid tokens: \["pvc.name"\]/],
      [params('${pvc.nam}${x}', 'n'), /invalid tokens: \["pvc.nam" "x"\]/],
      [params('Upper', 'n'), /"Upper" is not a valid secret name/],
      [params('${pvc.name}_', 'n'), /"\$\{pvc.name\}_" resolved to "data_" which is not a valid secret name/],
      [params('s', 'a.b'), /"a.b" is not a valid namespace name/],
    ];
    for (const [parameters, message] of table) assert.throws(() => find(parameters), message);
  });
});

describe('volumeNameFor', () => {
  const uid = '7b2178b7-c9ff-4ea4-a869-373087e8909c';
  it('is the prefix and the uid, or the beginning of it', () => {
    assert.equal(volumeNameFor(uid, 'pvc', -1), `pvc-${uid}`);
    assert.equal(volumeNameFor(uid, 'vol', 10), 'vol-7b2178b7c9');
  });
});
