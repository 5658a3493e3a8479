import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { kubectlResult, type Up, up } from '../support/command.ts';
import { kubectlTooOld, requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { scrub } from '../support/scrub.ts';

const CLAIM = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: none
  resources: {requests: {storage: 1Mi}}
`;
const CLASS = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: disk.csi.stowage.dev
parameters: {tier: gold}
`;
const VOLUME = `
apiVersion: v1
kind: PersistentVolume
metadata: {name: by-hand}
spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Mi}}
`;

const DEFINITION = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pets.example.com}
spec:
  group: example.com
  names: {kind: Pet, plural: pets}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {tag: {type: string}}}}}]
`;

/** What is applied, and what kubectl says of it. */
const REFUSED: readonly [what: string, manifest: string, says: RegExp][] = [
  ['YAML that is none', 'kind: Pod\n metadata: {}\n', /error parsing .*YAML.*line 2/],
  ['JSON that is cut off', '{"kind": "Pod", ', /error parsing .*unexpected EOF/],
  ['no kind and no version', 'hello: world\n', /apiVersion not set, kind not set/],
  ['an unknown field', CLAIM.replace('accessModes', 'accessMode'), /unknown field "spec.accessMode"/],
  [
    'a list that is no list',
    CLAIM.replace('[ReadWriteOnce]', 'ReadWriteOnce'),
    /The request is invalid: patch: Invalid value: .*: cannot restore slice from string/,
  ],
  [
    'a number for a text',
    CLAIM.replace(': none', ': 5'),
    /The request is invalid: patch: Invalid value: .*: cannot convert int64 to string/,
  ],
  [
    'a kind that is unknown',
    CLAIM.replace('Claim', 'Clam'),
    /no matches for kind "PersistentVolumeClam" in version "v1"/,
  ],
  [
    'a group that is unknown',
    CLAIM.replace(': v1', ': example.com/v1'),
    /no matches for kind "PersistentVolumeClaim" in version "example.com\/v1"/,
  ],
  [
    'a definition of a kind without a version',
    DEFINITION.replace(/versions: .*/, 'versions: []\n'),
    /spec\.versions: Invalid value: \[\]: must have exactly one version marked as storage version/,
  ],
  [
    'a definition of a kind under a name that is not its own',
    DEFINITION.replace('name: pets', 'name: cats'),
    /metadata\.name: Invalid value: "cats\.example\.com": must be spec\.names\.plural\+"\."\+spec\.group/,
  ],
  [
    'a definition of a kind whose schema leaves out a type',
    DEFINITION.replace('{type: string}', '{}'),
    /is invalid: spec\.validation\.openAPIV3Schema\.properties\[tag\]\.type: Required value: must not be empty for specified object fields/,
  ],
  ['no quantity', CLAIM.replace('1Mi', '10Gb'), /quantities must match the regular expression/],
  [
    'a size below nothing',
    CLAIM.replace('1Mi', '-1'),
    /spec.resources\[storage\]: Invalid value: "-1": must be greater than zero/,
  ],
  [
    'an access mode that is unknown',
    CLAIM.replace('ReadWriteOnce', 'ReadWriteOften'),
    /spec.accessModes: Unsupported value: "ReadWriteOften": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"/,
  ],
  [
    'a name that is none',
    CLAIM.replace('name: data', 'name: My_Data'),
    /metadata.name: Invalid value: "My_Data": a lowercase RFC 1123 subdomain/,
  ],
  [
    'a namespace that is not there',
    CLAIM.replace('name: data', 'name: data, namespace: nowhere'),
    /namespaces "nowhere" not found/,
  ],
  [
    'a volume without a source',
    VOLUME,
    /The PersistentVolume "by-hand" is invalid: spec: Required value: must specify a volume type/,
  ],
  [
    'a volume with two sources',
    VOLUME.replace('}}', '}, hostPath: {path: /a}, csi: {driver: d, volumeHandle: h}}'),
    /may not specify more than 1 volume type/,
  ],
];

const skip = await kubectlTooOld();

describe('bad input, by kubectl', { skip, timeout: 600_000 }, () => {
  let directory: string;
  let stack: Up;
  const { k } = kubectlOf(() => stack.kubeconfig);
  const apply = (input: string) => kubectlResult(stack.kubeconfig, ['apply', '-f', '-'], { input });

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-bad-'));
    stack = await up(directory, ['--nodes', '0']);
    for (const manifest of [CLAIM, CLASS]) assert.equal((await apply(manifest)).code, 0);
  });

  after(async () => {
    assert.equal(await stack?.end('SIGTERM'), 0);
    await scrub(directory);
  });

  for (const [what, manifest, says] of REFUSED) {
    it(`${what} is refused, clearly`, async () => {
      const { code, stderr } = await apply(manifest);
      assert.match(stderr, says);
      assert.equal(code, 1);
    });
  }

  for (const [what, manifest, says] of [
    [
      'the access modes of a claim',
      CLAIM.replace('Once', 'Many'),
      /spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims/,
    ],
    [
      'the parameters of a class',
      CLASS.replace('gold', 'tin'),
      /parameters: Invalid value: .*: field is immutable/,
    ],
    [
      'the provisioner of a class',
      CLASS.replace('disk', 'nas'),
      /provisioner: Invalid value: .*: field is immutable/,
    ],
  ] as const) {
    it(`${what} cannot be changed`, async () => {
      const { code, stderr } = await apply(manifest);
      assert.match(stderr, says);
      assert.equal(code, 1);
    });
  }

  it('a body that is no JSON, an unknown path and a wrong method get a Status', async () => {
    const file = join(directory, 'cut-off.json');
    await writeFile(file, '{"apiVersion": "v1", "kind": ');
    const raw = (...args: string[]) => kubectlResult(stack.kubeconfig, args);
    const post = await raw(
      'create',
      '--raw',
      '/api/v1/namespaces/default/persistentvolumeclaims',
      '-f',
      file,
    );
    assert.match(post.stderr, /\(BadRequest\): .*json parse error/);
    assert.match((await raw('get', '--raw', '/apis/none')).stderr, /\(NotFound\): the server could not find/);
    const wrong = await raw('create', '--raw', '/api/v1/persistentvolumeclaims', '-f', file);
    assert.match(wrong.stderr, /\(MethodNotAllowed\): the server does not allow this method/);
  });

  it('nothing of it was kept', async () => {
    const names = await k('get', 'pv,pvc,sc', '-A', '-o', 'jsonpath={.items[*].metadata.name}');
    assert.equal(names, 'data fast');
    assert.doesNotMatch(await k('get', 'crd', '-o', 'name'), /example\.com/);
    assert.equal(await k('get', 'pvc', 'data', '-o', 'jsonpath={.spec.accessModes[0]}'), 'ReadWriteOnce');
    assert.equal(await k('get', 'sc', 'fast', '-o', 'jsonpath={.parameters.tier}'), 'gold');
  });
});
