import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PolicyRule } from '../../../../kube/index.ts';
import { parseRule } from '../bootstrap/rule-text.ts';
import { breakDown, compactRules, describeRule, uncovered } from './covers.ts';
import { ruleAllows } from './rule.ts';

const rules = (...texts: string[]) => texts.map(parseRule);

describe('uncovered', () => {
  const table: [held: PolicyRule[], wanted: PolicyRule[], missing: string[]][] = [
    [rules('get | core | pods'), rules('get | core | pods'), []],
    [rules('get | core | pods'), rules('get,list | core | pods'), ['list | core | pods']],
    [rules('* | core | pods'), rules('get,delete | core | pods'), []],
    // A star is only covered by a star.
    [rules('get,list | core | pods'), rules('* | core | pods'), ['* | core | pods']],
    [rules('get | * | *'), rules('get | apps | */scale'), []],
    [rules('get | apps | */scale'), rules('get | apps | statefulsets/scale'), []],
    [rules('get | apps | */scale'), rules('get | apps | statefulsets'), ['get | apps | statefulsets']],
    [rules('get | core | pods | a'), rules('get | core | pods'), ['get | core | pods']],
    [rules('get | core | pods'), rules('get | core | pods | a'), []],
    [rules('get | core | pods | a b'), rules('get | core | pods | a c'), ['get | core | pods | c']],
    [rules('get | /healthz/*'), rules('get | /healthz/ping'), []],
    [rules('get | /healthz'), rules('get | /healthz/*'), ['get | /healthz/*']],
    // Two rules together cover what neither does alone.
    [rules('get | core | pods', 'list | core | pods'), rules('get,list | core | pods'), []],
  ];
  for (const [held, wanted, missing] of table)
    it(`${JSON.stringify(held.map(describeRule))} over ${JSON.stringify(wanted.map(describeRule))}`, () => {
      assert.deepEqual(uncovered(held, wanted), missing.map(parseRule));
    });

  it('leaves nothing that the holder could not do: what is covered is allowed', () => {
    const words = (...values: string[]) => fc.subarray(values, { minLength: 1 });
    const anyRule = fc.record({
      verbs: words('get', 'list', '*'),
      apiGroups: words('', 'apps', '*'),
      resources: words('pods', 'pods/status', '*/status', '*'),
    });
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 3 }), anyRule, (held, wanted) => {
        if (uncovered(held, [wanted]).length > 0) return;
        for (const part of breakDown(wanted)) {
          const [resource = '', subresource] = (part.resources?.[0] ?? '').replace('*', 'pods').split('/');
          const attributes = {
            verb: part.verbs[0]!.replace('*', 'delete'),
            group: part.apiGroups![0]!.replace('*', 'batch'),
            resource,
            subresource,
          };
          assert.ok(held.some((rule) => ruleAllows(rule, attributes)));
        }
      }),
    );
  });
});

describe('compactRules and describeRule', () => {
  it('joins the verbs of a resource', () => {
    const parts = breakDown(parseRule('get,list | core | pods'));
    assert.deepEqual(compactRules(parts).map(describeRule), [
      '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}',
    ]);
  });
  it('keeps names and paths apart', () => {
    const parts = rules('get | core | pods | a', 'get | core | pods | b', 'get | /x').flatMap(breakDown);
    assert.deepEqual(compactRules(parts).map(describeRule), [
      '{NonResourceURLs:["/x"], Verbs:["get"]}',
      '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["get"]}',
      '{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}',
    ]);
  });
});
