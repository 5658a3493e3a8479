import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ClientSubject, refusal } from './authorize-client.ts';

describe('who may ask a node', () => {
  const cases: [string, ClientSubject | undefined, string, string | undefined][] = [
    [
      'the API server',
      { CN: 'kube-apiserver-kubelet-client', O: 'system:masters' },
      '/containerLogs/a/b/c',
      undefined,
    ],
    ['one of several groups', { CN: 'me', O: ['team', 'system:masters'] }, '/pods', undefined],
    [
      'no user of the cluster',
      { CN: 'jane', O: 'team' },
      '/containerLogs/a/b/c',
      'Forbidden (user=jane, verb=get, resource=nodes, subresource(s)=[proxy])',
    ],
    [
      'nobody by a name that is not a group',
      { CN: 'system:masters' },
      '/pods',
      'Forbidden (user=system:masters, verb=get, resource=nodes, subresource(s)=[pods proxy])',
    ],
    [
      'nobody without a name',
      undefined,
      '/x',
      'Forbidden (user=, verb=get, resource=nodes, subresource(s)=[proxy])',
    ],
  ];
  for (const [name, subject, path, expected] of cases)
    it(name, () => assert.equal(refusal(subject, path), expected));
  it('nobody by another method', () =>
    assert.equal(
      refusal({ CN: 'jane' }, '/exec/a/b/c', 'POST'),
      'Forbidden (user=jane, verb=create, resource=nodes, subresource(s)=[proxy])',
    ));
});
