import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code, CsiStatus } from '../../csi/index.ts';
import { exportOf, partsOf, wishOf } from './parameters.ts';

const CLAIM = {
  'csi.storage.k8s.io/pvc/name': 'data',
  'csi.storage.k8s.io/pvc/namespace': 'shop',
  'csi.storage.k8s.io/pv/name': 'pvc-1',
};

const refuses = (work: () => unknown, why: RegExp) =>
  assert.throws(work, (error) => {
    assert.ok(error instanceof CsiStatus, `${error}`);
    assert.equal(error.code, Code.INVALID_ARGUMENT);
    assert.match(error.details, why);
    return true;
  });

describe('the directory of a volume', () => {
  const cases: [what: string, parameters: Record<string, string>, path: string][] = [
    ['its name, where the claim is not known', {}, 'pvc-1'],
    ['namespace, claim and volume', CLAIM, 'shop-data-pvc-1'],
    ['by a pattern', { ...CLAIM, pathPattern: `\${.PVC.namespace}/\${.PVC.name}` }, 'shop/data'],
    ['by a pattern, tidied up', { ...CLAIM, pathPattern: `/a//./\${.PVC.name}/` }, 'a/data'],
    ['by a pattern that names nothing', { pathPattern: 'all/of/it' }, 'all/of/it'],
    ['by subDir', { ...CLAIM, subDir: `\${pvc.metadata.namespace}/\${pv.metadata.name}` }, 'shop/pvc-1'],
    [
      'its name, where those together are too long',
      { ...CLAIM, 'csi.storage.k8s.io/pvc/name': 'x'.repeat(250) },
      'pvc-1',
    ],
  ];
  for (const [what, parameters, path] of cases)
    it(what, () => assert.equal(wishOf('pvc-1', parameters).path, path));

  const refused: [parameters: Record<string, string>, why: RegExp][] = [
    [{ pathPattern: '../x' }, /leads out of the share/],
    [{ ...CLAIM, 'csi.storage.k8s.io/pvc/name': '..', pathPattern: `a/\${.PVC.name}` }, /leads out/],
    [{ pathPattern: 'a/../../x' }, /leads out/],
    [{ pathPattern: 'x\0y' }, /leads out/],
    [{ pathPattern: 'x'.repeat(256) }, /longer than 255 bytes/],
    [{ pathPattern: '/' }, /the share itself/],
    [{ pathPattern: '.stowage/work' }, /the driver's own/],
    [{ pathPattern: './/.stowage' }, /the driver's own/],
    [{ pathPattern: `\${.PVC.name}` }, /is not known: start the provisioner with --extra-create-metadata/],
    [{ ...CLAIM, pathPattern: `\${.PVC.labels.app}` }, /labels\.app\}: a CSI driver is told a claim's name/],
    [{ ...CLAIM, pathPattern: `\${.PVC.annotations.nfs.io/storage-path}` }, /a CSI driver is told/],
    [{ ...CLAIM, subDir: `\${pvc.metadata.uid}` }, /is none of pvc\.metadata\.name/],
    [{ subDir: 'a', pathPattern: 'b' }, /use one of them/],
    [{ patternPath: 'a' }, /unknown parameters.*patternPath/],
  ];
  for (const [parameters, why] of refused)
    it(`refuses ${JSON.stringify(parameters).slice(0, 60)}`, () =>
      refuses(() => wishOf('pvc-1', parameters), why));

  it('is never outside the share, nor the driver’s own, whatever names there are', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc
        .array(fc.constantFrom('.', '..', '/', '.stowage', 'a', '\0', '-'), { maxLength: 8 })
        .map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, text, text, (pattern, name, namespace) => {
        const parameters = {
          pathPattern: `${pattern}\${.PVC.namespace}/\${.PVC.name}`,
          'csi.storage.k8s.io/pvc/name': name,
          'csi.storage.k8s.io/pvc/namespace': namespace,
        };
        let path: string;
        try {
          path = wishOf('pvc-1', parameters).path;
        } catch (error) {
          assert.ok(error instanceof CsiStatus && error.code === Code.INVALID_ARGUMENT);
          return;
        }
        const parts = path.split('/');
        assert.ok(
          parts.every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0')),
        );
        assert.notEqual(parts[0], '.stowage');
        assert.deepEqual(partsOf(path, 'path'), parts);
      }),
    );
  });
});

describe('what becomes of the directory', () => {
  const cases: [onDelete: string | undefined, archiveOnDelete: string | undefined, outcome: string][] = [
    [undefined, undefined, 'delete'],
    [undefined, 'true', 'archive'],
    [undefined, '1', 'archive'],
    [undefined, 'false', 'delete'],
    [undefined, 'F', 'delete'],
    ['retain', 'true', 'retain'],
    ['delete', 'true', 'delete'],
    ['archive', 'false', 'archive'],
  ];
  for (const [onDelete, archiveOnDelete, outcome] of cases)
    it(`onDelete ${onDelete}, archiveOnDelete ${archiveOnDelete}: ${outcome}`, () => {
      const parameters = { ...(onDelete && { onDelete }), ...(archiveOnDelete && { archiveOnDelete }) };
      assert.equal(wishOf('v', parameters).onDelete, outcome);
    });
  it('refuses another word', () => {
    refuses(() => wishOf('v', { onDelete: 'keep' }), /use delete, retain or archive/);
    refuses(() => wishOf('v', { archiveOnDelete: 'yes' }), /use true or false/);
  });
});

describe('mountPermissions', () => {
  for (const [text, mode] of [
    ['0770', 0o770],
    ['2775', 0o2775],
    ['0', 0o777],
    ['', 0o777],
  ] as const)
    it(`${JSON.stringify(text)}: ${mode.toString(8)}`, () =>
      assert.equal(wishOf('v', { mountPermissions: text }).mode, mode));
  for (const text of ['888', 'rwx', '-1', '17777'])
    it(`refuses ${text}`, () => refuses(() => wishOf('v', { mountPermissions: text }), /octal/));
});

describe('an NFS export', () => {
  it('is a server and a share', () => {
    assert.equal(exportOf({}), undefined);
    assert.deepEqual(exportOf({ server: 'nfs.example.com', share: '/a//b/' }), {
      server: 'nfs.example.com',
      share: '/a/b',
    });
    assert.deepEqual(exportOf({ server: 'fd00::1', share: '/' }), { server: 'fd00::1', share: '/' });
  });
  const refused: [server: string, share: string, why: RegExp][] = [
    ['a', '', /belong together/],
    ['', '/a', /belong together/],
    ['-oremount', '/a', /no host name/],
    ['a b', '/a', /no host name/],
    ['a/b', '/a', /no host name/],
    ['a', 'b', /must begin with/],
    ['a', '/b,soft', /no path of an export/],
    ['a', '/b\n', /no path of an export/],
    ['a', '/b/../c', /leads out/],
  ];
  for (const [server, share, why] of refused)
    it(`refuses ${JSON.stringify([server, share])}`, () => refuses(() => exportOf({ server, share }), why));
});
