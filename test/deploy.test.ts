import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { bootstrapPolicy } from '../src/apiserver/auth/index.ts';
import { snapshotMetadataServiceCrd } from '../src/apiserver/crd/snapshots/index.ts';
import { createLocalClient, createRegistry, openStore } from '../src/apiserver/index.ts';
import { FakeClock, seededRandom } from '../src/base/index.ts';
import { EXTRA_ROLES } from '../src/cluster/identities.ts';
import { type ClusterRole, clusterRoles, type KubeObject, resourceOf } from '../src/kube/index.ts';
import { stowage } from './support/command.ts';

const DEPLOY = fileURLToPath(new URL('../deploy/', import.meta.url));

interface Manifest extends KubeObject {
  readonly spec?: { template?: { spec?: { containers?: { name: string; args?: string[] }[] } } };
}

async function manifests(): Promise<{ file: string; object: Manifest }[]> {
  const files = globSync(`${DEPLOY}*/*.yaml`).filter((file) => !file.endsWith('kustomization.yaml'));
  const found = await Promise.all(
    files.map(async (file) =>
      parseAllDocuments(await readFile(file, 'utf8')).map((document) => ({
        file,
        object: document.toJS() as Manifest,
      })),
    ),
  );
  return found.flat();
}

/** Every verb on every resource, one a line. */
const permissions = ({ rules }: ClusterRole): string[] =>
  (rules ?? [])
    .flatMap(({ apiGroups = [], resources = [], verbs = [] }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group}`)),
      ),
    )
    .sort();

describe('what is in deploy/', () => {
  it('is taken by an API server as it is; a sidecar has there the rights that it has here', async (test) => {
    const clock = new FakeClock();
    const registry = await createRegistry({
      store: await openStore({ memory: true, clock }),
      clock,
      random: seededRandom(1),
    });
    test.after(() => registry.close());
    await bootstrapPolicy(registry, EXTRA_ROLES);
    const client = createLocalClient(registry);
    let compared = 0;
    // As kubectl orders what kustomize puts together.
    const first = ({ object }: { object: Manifest }) => Number(object.kind !== 'Namespace');
    for (const { file, object } of (await manifests()).sort((a, b) => first(a) - first(b))) {
      // A part of an object, that is put together with the rest by kustomize.
      if (file.endsWith('.patch.yaml')) continue;
      const resource = resourceOf(object.apiVersion!, object.kind!);
      assert.ok(resource, `${file}: ${object.apiVersion} ${object.kind}`);
      const { name } = object.metadata!;
      const here = await client.get(clusterRoles, { name: name! }).catch(() => undefined);
      if (resource === (clusterRoles as unknown) && here) {
        // Those are for its own namespace only: a Role there says so.
        const shared = (permission: string) => !/ (leases|csistoragecapacities)\./.test(permission);
        assert.deepEqual(permissions(object as ClusterRole), permissions(here).filter(shared), name);
        compared++;
      } else await client.create(resource, object, { fieldValidation: 'Strict' });
    }
    assert.equal(compared, 9);
  });

  it('defines what announces changed blocks as the API server here does', async () => {
    const definitions = (await manifests()).filter(
      ({ object }) => object.kind === 'CustomResourceDefinition',
    );
    const [{ apiVersion, kind, ...crd }] = definitions.map(({ object }) => object) as [KubeObject];
    assert.deepEqual(crd, JSON.parse(JSON.stringify(snapshotMetadataServiceCrd)));
    assert.equal(definitions.length, 1);
  });

  it('runs commands that there are, with flags that they take', async () => {
    const commands = (await manifests()).flatMap(
      ({ object }) => object.spec?.template?.spec?.containers?.map(({ args }) => args ?? []) ?? [],
    );
    assert.equal(commands.length, 18);
    for (const [command = '', ...args] of commands) {
      // What stands before the flags is the command; a flag that it does not take is told before help is given.
      const { code, stderr } = await stowage([
        command,
        ...args.map((arg) => arg.replace('$(NODE_NAME)', 'n')),
        '--version',
      ]);
      if (command === 'driver' || command.startsWith('local-'))
        assert.match(stderr, /unknown option '--version'/);
      else assert.equal(code, 0, `${command} ${args.join(' ')}: ${stderr}`);
    }
  });
});
