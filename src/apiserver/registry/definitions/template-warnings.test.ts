import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  daemonSets,
  deployments,
  jobs,
  type KubeObject,
  podTemplates,
  type Resource,
  replicaSets,
  statefulSets,
} from '../../../kube/index.ts';
import { SYSTEM } from '../bootstrap.ts';
import { startRegistry } from '../testing.ts';

const NAME = { namespace: 'default', name: 'w' };
const template = (restartPolicy: string) => ({
  metadata: { labels: { a: 'b' }, annotations: { 'scheduler.alpha.kubernetes.io/critical-pod': '' } },
  spec: { restartPolicy, containers: [{ name: 'c', image: 'i' }] },
});
const selected = { selector: { matchLabels: { a: 'b' } }, template: template('Always') };
const SAID =
  'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead';

/** A write of an object, with what it is warned of. */
async function start() {
  const { registry } = await startRegistry();
  const said: string[] = [];
  const context = { ...SYSTEM, warn: (text: string) => void said.push(text) };
  const heard = async (write: () => Promise<unknown>) => {
    said.length = 0;
    await write();
    return [...said];
  };
  return {
    create: (resource: Resource, object: KubeObject) =>
      heard(() => registry.create(resource, object, context)),
    patch: (resource: Resource, body: object) =>
      heard(() => registry.patch(resource, NAME, { type: 'merge', body }, context)),
  };
}

describe('what may not be meant in a template', () => {
  const kinds: [Resource, object, string][] = [
    [deployments as Resource, { spec: selected }, 'spec.template.'],
    [replicaSets as Resource, { spec: selected }, 'spec.template.'],
    [daemonSets as Resource, { spec: selected }, 'spec.template.'],
    [statefulSets as Resource, { spec: { ...selected, serviceName: 's' } }, 'spec.template.'],
    [jobs as Resource, { spec: { template: template('Never') } }, 'spec.template.'],
    [podTemplates as Resource, { template: template('Always') }, 'template.'],
  ];
  for (const [resource, parts, path] of kinds)
    it(`is told of a new object of ${resource.plural}, and not of its labels later`, async () => {
      const { create, patch } = await start();
      assert.deepEqual(await create(resource, { metadata: NAME, ...parts } as KubeObject), [
        `${path}${SAID}`,
      ]);
      assert.deepEqual(await patch(resource, { metadata: { labels: { x: 'y' } } }), []);
    });

  it('is told again of another generation, and of the templates of claims', async () => {
    const { create, patch } = await start();
    const resource = statefulSets as Resource;
    const claim = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1500m' } } },
    };
    const spec = { ...selected, serviceName: 's', revisionHistoryLimit: -1, volumeClaimTemplates: [claim] };
    const said = await create(resource, { metadata: NAME, spec } as KubeObject);
    assert.equal(said.length, 3);
    assert.match(
      said[0]!,
      /^spec\.volumeClaimTemplates\[0\]\.resources\.requests\[storage\]: fractional byte value/,
    );
    assert.match(said[1]!, /^spec\.revisionHistoryLimit: a negative value retains all/);
    const again = await patch(resource, { spec: { replicas: 2 } });
    assert.ok(again.includes(`spec.template.${SAID}`));
  });
});
