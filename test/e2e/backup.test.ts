import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { kubectl, stowage, up } from '../support/command.ts';
import { inDirectory } from '../support/in-directory.ts';
import { requireKubectl } from '../support/kubectl.ts';

interface Item {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
}

async function configMaps(kubeconfig: string): Promise<Map<string, Item>> {
  const list = JSON.parse(await kubectl(kubeconfig, ['get', 'configmaps', '-o', 'json'])) as {
    items: Item[];
  };
  return new Map(list.items.map((item) => [item.metadata.name, item]));
}

describe('stowage backup and restore', () => {
  before(requireKubectl);

  it('under load: one moment, whole, and clients of before start anew', () =>
    inDirectory(async (directory) => {
      const dataDir = join(directory, 'data');
      const file = join(directory, 'backup');
      const first = await up(directory, ['--nodes', '0']);
      const made: string[] = [];
      const begun = Promise.withResolvers<void>();
      let loading = true;
      const load = (async () => {
        for (let serial = 0; loading; serial++) {
          const batch = Array.from({ length: 20 }, (_, index) => `cm-${serial * 20 + index}`);
          const input = batch
            .map((name) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }))
            .join('\n');
          await kubectl(first.kubeconfig, ['create', '-f', '-'], { input });
          made.push(...batch);
          begun.resolve();
        }
      })();
      await Promise.race([begun.promise, load]);
      const acknowledged = [...made];
      const output = await stowage(['backup', '--data-dir', dataDir, '--kubeconfig', first.kubeconfig, file]);
      loading = false;
      await load;
      assert.equal(output.code, 0, output.stderr);
      const later = await configMaps(first.kubeconfig);
      assert.equal(await first.end('SIGTERM'), 0);

      const restored = join(directory, 'restored');
      assert.equal((await stowage(['restore', file, '--data-dir', join(restored, 'data')])).code, 0);
      const second = await up(restored, ['--nodes', '0']);
      try {
        const now = await configMaps(second.kubeconfig);
        for (const name of acknowledged) assert.deepEqual(now.get(name), later.get(name), name);
        for (const [name, item] of now) assert.equal(item.metadata.uid, later.get(name)?.metadata.uid, name);
        // The keys are the same: who was trusted before is trusted now.
        const server = (
          await kubectl(second.kubeconfig, ['config', 'view', '-o', 'jsonpath={.clusters[0].cluster.server}'])
        ).trim();
        await kubectl(first.kubeconfig, ['--server', server, 'get', 'namespaces']);
        const last = Math.max(...[...later.values()].map((item) => Number(item.metadata.resourceVersion)));
        await assert.rejects(
          kubectl(second.kubeconfig, [
            'get',
            '--raw',
            `/api/v1/configmaps?watch=1&resourceVersion=${last}&timeoutSeconds=5`,
          ]).then((text) => {
            if (/"code":410/.test(text)) throw new Error('410');
          }),
          /410|too old/,
        );
      } finally {
        await second.end('SIGTERM');
      }
    }));
});
