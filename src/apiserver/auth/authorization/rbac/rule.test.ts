import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicyRule } from '../../../../kube/index.ts';
import type { Attributes } from '../contract.ts';
import { ruleAllows } from './rule.ts';

const rule = (verbs: string, apiGroups: string, resources: string, names?: string): PolicyRule => ({
  verbs: verbs.split(' '),
  apiGroups: apiGroups.split(' '),
  resources: resources.split(' '),
  ...(names === undefined ? {} : { resourceNames: names.split(' ') }),
});
const urls = (verbs: string, paths: string): PolicyRule => ({
  verbs: verbs.split(' '),
  nonResourceURLs: paths.split(' '),
});
/** `verb group resource[/subresource] [name]`; `-` is the core group. */
const asks = (text: string): Attributes => {
  const [verb = '', group = '', what = '', name] = text.split(' ');
  if (group.startsWith('/')) return { verb, path: group };
  const [resource = '', subresource] = what.split('/');
  return { verb, group: group === '-' ? '' : group, resource, subresource, name };
};

describe('ruleAllows', () => {
  const core = '';
  const table: [rule: PolicyRule, request: string, allowed: boolean][] = [
    [rule('get', core, 'pods'), 'get - pods', true],
    [rule('get', core, 'pods'), 'list - pods', false],
    [rule('get', core, 'pods'), 'get apps pods', false],
    [rule('get', core, 'pods'), 'get - pods/status', false],
    [rule('get', core, 'pods/status'), 'get - pods', false],
    [rule('get', core, 'pods/status'), 'get - pods/status', true],
    [rule('*', '*', '*'), 'frobnicate example.com things/part x', true],
    [rule('get', '*', '*'), 'get example.com things/part', true],
    [rule('get', 'apps', '*'), 'get - pods', false],
    [rule('get', '*', '*/scale'), 'get apps statefulsets/scale', true],
    [rule('get', '*', '*/scale'), 'get apps statefulsets', false],
    [rule('get', '*', '*/scale'), 'get apps statefulsets/rescale', false],
    [rule('get', core, 'pods', 'a b'), 'get - pods b', true],
    [rule('get', core, 'pods', 'a b'), 'get - pods c', false],
    // Whoever lists or creates names nothing: a rule with names is not about that.
    [rule('list create', core, 'pods', 'a'), 'list - pods', false],
    [rule('list create', core, 'pods', 'a'), 'create - pods', false],
    [urls('get', '/healthz'), 'get /healthz', true],
    [urls('get', '/healthz'), 'get /healthz/ping', false],
    [urls('get', '/healthz/*'), 'get /healthz/ping', true],
    [urls('get', '/healthz/*'), 'get /healthz', false],
    [urls('get', '/api*'), 'get /apis/x', true],
    [urls('get', '/a**'), 'get /abc', true],
    [urls('get', '*'), 'get /anything', true],
    [urls('get', '*'), 'post /anything', false],
    // The two kinds of request have nothing to do with each other.
    [urls('*', '*'), 'get - pods', false],
    [rule('*', '*', '*'), 'get /healthz', false],
  ];
  for (const [one, request, allowed] of table)
    it(`${JSON.stringify(one)} ${allowed ? 'allows' : 'does not allow'} ${request}`, () => {
      assert.equal(ruleAllows(one, asks(request)), allowed);
    });
});
