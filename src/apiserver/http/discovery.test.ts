import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definitionsOf } from '../crd/definitions.ts';
import type { Crd } from '../crd/types.ts';
import { builtInDefinitions } from '../registry/definitions/index.ts';
import { aggregatedDiscovery, resourceList } from './discovery.ts';

// Expectations are what kube-apiserver 1.36 says.

const listed = (group: string, version: string, name: string) =>
  resourceList(builtInDefinitions, group, version)!.resources.find((one) => one.name === name) as
    | { readonly storageVersionHash?: string; readonly verbs: readonly string[]; readonly kind: string }
    | undefined;

function discovered(group: string, resource: string) {
  const { items } = aggregatedDiscovery(builtInDefinitions, group === '');
  const found = items.find(({ metadata }) => (metadata.name ?? '') === group)!;
  return found.versions[0]!.resources.find((one) => one.resource === resource)!;
}

describe('discovery', () => {
  for (const [group, version, name, hash] of [
    ['', 'v1', 'pods', 'xPOwRZ+Yhw8='],
    ['', 'v1', 'persistentvolumeclaims', 'QWTyNDq0dC4='],
    ['', 'v1', 'events', 'r2yiGXH7wu8='],
    ['apps', 'v1', 'statefulsets', 'H+vl74LkKdo='],
    ['storage.k8s.io', 'v1', 'volumeattributesclasses', 'tIjydgKBC5w='],
    // They are stored as those of the core group.
    ['events.k8s.io', 'v1', 'events', 'r2yiGXH7wu8='],
    ['authentication.k8s.io', 'v1', 'tokenreviews', undefined],
    ['', 'v1', 'pods/status', undefined],
  ] as const)
    it(`${name} of ${group || 'core'} are stored as ${hash}`, () =>
      assert.equal(listed(group, version, name)?.storageVersionHash, hash));

  for (const [name, kind, verbs] of [
    ['namespaces/finalize', 'Namespace', ['update']],
    ['pods/attach', 'PodAttachOptions', ['create', 'get']],
    ['pods/exec', 'PodExecOptions', ['create', 'get']],
    ['pods/portforward', 'PodPortForwardOptions', ['create', 'get']],
    ['pods/log', 'Pod', ['get']],
    ['pods/eviction', 'Eviction', ['create']],
    ['pods/ephemeralcontainers', 'Pod', ['get', 'patch', 'update']],
    ['nodes/proxy', 'NodeProxyOptions', ['create', 'delete', 'get', 'patch', 'update']],
  ] as const)
    it(`${name}: ${verbs}`, () => {
      const found = listed('', 'v1', name);
      assert.deepEqual([found?.kind, found?.verbs], [kind, verbs]);
    });

  it('leaves out the group and version of kinds where they are those that they are listed under', () => {
    assert.deepEqual(discovered('apps', 'deployments').responseKind, {
      group: '',
      version: '',
      kind: 'Deployment',
    });
    assert.deepEqual(
      discovered('', 'serviceaccounts').subresources?.map(({ responseKind }) => responseKind),
      [{ group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' }],
    );
    assert.deepEqual(
      discovered('', 'pods').subresources?.find(({ subresource }) => subresource === 'binding')?.responseKind,
      { group: '', version: '', kind: 'Binding' },
    );
  });

  it('of custom resources names them in full, in the order of their verbs, and hashes the stored version', () => {
    const version = (name: string, storage: boolean, served = true) => ({ name, served, storage });
    const crd = (...versions: object[]) =>
      ({
        spec: {
          group: 'example.com',
          scope: 'Namespaced',
          names: { kind: 'Widget', plural: 'widgets' },
          versions,
        },
      }) as unknown as Crd;
    const of = (one: Crd) => definitionsOf(one, new AbortController().signal);
    const both = of(crd(version('v1beta1', false), version('v1', true)));
    const hashes = ['v1', 'v1beta1'].map((name) => {
      const [first] = resourceList(both, 'example.com', name)!.resources;
      return (first as { storageVersionHash?: string }).storageVersionHash;
    });
    assert.equal(hashes[0], hashes[1]);
    assert.match(hashes[0]!, /^[\w+/]{11}=$/);
    const [found] = aggregatedDiscovery(both, false).items[0]!.versions[0]!.resources;
    assert.deepEqual(found!.responseKind, { group: 'example.com', version: 'v1', kind: 'Widget' });
    assert.equal(found!.verbs.join(), 'delete,deletecollection,get,list,patch,create,update,watch');
    // What is stored under a version that is not served cannot be written anew by anybody.
    const hidden = of(crd(version('v1', false), version('v0', true, false)));
    const [first] = resourceList(hidden, 'example.com', 'v1')!.resources;
    assert.equal((first as { storageVersionHash?: string }).storageVersionHash, undefined);
  });
});
