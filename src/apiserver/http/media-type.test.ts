import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { negotiateOutput } from './media-type.ts';

const KUBECTL =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

describe('negotiateOutput', () => {
  const table = { format: 'json', transform: 'Table', transformVersion: 'v1' };
  const cases: [string | undefined, boolean, object][] = [
    [undefined, true, { format: 'json' }],
    ['*/*', true, { format: 'json' }],
    ['application/vnd.kubernetes.protobuf,application/json', true, { format: 'json' }],
    ['application/json;stream=watch', true, { format: 'json' }],
    ['application/yaml', true, { format: 'yaml' }],
    ['application/yaml;q=0.5, application/json', true, { format: 'json' }],
    [KUBECTL, true, table],
    [KUBECTL, false, { format: 'json' }],
    ['application/json;as=Unknown;v=v1;g=meta.k8s.io,application/json', true, { format: 'json' }],
  ];
  const PROTOBUF = 'application/vnd.kubernetes.protobuf';
  const partial = ';as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
  const speaking: [string, boolean, object][] = [
    [`${PROTOBUF},application/json`, true, { format: 'protobuf' }],
    [`${PROTOBUF},application/json`, false, { format: 'json' }],
    ['*/*', true, { format: 'json' }],
    [`${PROTOBUF};as=Table;g=meta.k8s.io;v=v1,application/json`, true, { format: 'json' }],
    [
      PROTOBUF + partial,
      false,
      { format: 'protobuf', transform: 'PartialObjectMetadata', transformVersion: 'v1' },
    ],
  ];
  for (const [header, hasProtobuf, expected] of speaking)
    it(`${header} of what has ${hasProtobuf ? 'a' : 'no'} protobuf form → ${JSON.stringify(expected)}`, () =>
      assert.deepEqual(negotiateOutput(header, true, hasProtobuf), expected));

  for (const [header, transform, expected] of cases)
    it(`${header} → ${JSON.stringify(expected)}`, () =>
      assert.deepEqual(negotiateOutput(header, transform), expected));

  for (const header of ['text/html', 'application/vnd.kubernetes.protobuf'])
    it(`refuses ${header} with 406`, () =>
      assert.throws(() => negotiateOutput(header, true), {
        code: 406,
        message:
          'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      }));
});
