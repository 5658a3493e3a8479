import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ClusterRole, clusterRoles, type PolicyRule, type Stored } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { aggregatedRules } from './aggregate.ts';
import { createClusterRoleAggregation } from './index.ts';

const rule = (...resources: string[]): PolicyRule => ({ verbs: ['get'], apiGroups: [''], resources });
const role = (name: string, labels: Record<string, string>, ...rules: PolicyRule[]): ClusterRole => ({
  metadata: { name, labels },
  rules,
});
const aggregate = (name: string, ...selectors: Record<string, string>[]): ClusterRole => ({
  metadata: { name },
  aggregationRule: { clusterRoleSelectors: selectors.map((matchLabels) => ({ matchLabels })) },
});

describe('aggregatedRules', () => {
  const all = [
    role('b', { to: 'x' }, rule('pods'), rule('secrets')),
    role('a', { to: 'x' }, rule('nodes'), rule('pods')),
    role('c', { to: 'y' }, rule('events')),
    role('whole', { to: 'x' }, rule('everything')),
  ] as Stored<ClusterRole>[];
  const of = (...selectors: Record<string, string>[]) =>
    aggregatedRules(aggregate('whole', ...selectors) as Stored<ClusterRole>, all).flatMap(
      ({ resources }) => resources,
    );
  it('takes each rule once, in the order of the names', () => {
    assert.deepEqual(of({ to: 'x' }), ['nodes', 'pods', 'secrets']);
  });
  it('takes one selector after the other', () => {
    assert.deepEqual(of({ to: 'y' }, { to: 'x' }), ['events', 'nodes', 'pods', 'secrets']);
  });
  it('finds nothing where nothing is labelled', () => assert.deepEqual(of({ to: 'z' }), []));
});

describe('the aggregation controller', () => {
  it('follows roles as they come, change and go, over more than one step', async (test) => {
    const stack = await startStack(test, { watch: [clusterRoles] });
    const { client } = stack;
    stack.run(createClusterRoleAggregation(stack.context));
    await client.create(clusterRoles, aggregate('top', { to: 'top' }));
    await client.create(clusterRoles, {
      ...aggregate('middle', { to: 'middle' }),
      metadata: { name: 'middle', labels: { to: 'top' } },
    });
    await client.create(clusterRoles, role('leaf', { to: 'middle' }, rule('pods')));
    const informer = stack.context.informers.of(clusterRoles);
    const holds = (...resources: string[]) =>
      stack.until(`top to hold ${resources}`, () => {
        const rules = informer.get('top')?.rules ?? [];
        return JSON.stringify(rules.flatMap((one) => one.resources)) === JSON.stringify(resources);
      });
    await holds('pods');
    await client.patch(clusterRoles, { name: 'leaf' }, { type: 'merge', body: { rules: [rule('nodes')] } });
    await holds('nodes');
    await client.delete(clusterRoles, { name: 'leaf' });
    await holds();
  });
});
