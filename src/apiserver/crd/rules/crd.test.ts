import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StatusError } from '../../../kube/index.ts';
import { startRegistry } from '../../registry/testing.ts';
import { crds, V1, versionOf, widgetCrd } from '../fixtures.ts';
import type { Crd, CrdVersion, JSONSchema } from '../types.ts';

const at = 'spec.validation.openAPIV3Schema';
const spec = `${at}.properties[spec]`;
const withSchema = (openAPIV3Schema: JSONSchema): Partial<Crd['spec']> => ({
  versions: [{ ...V1, subresources: undefined, selectableFields: undefined, schema: { openAPIV3Schema } }],
});
const withSpec = (schema: JSONSchema): Partial<Crd['spec']> => ({ versions: [versionOf(schema)] });
const withVersion = (change: Partial<CrdVersion>): Partial<Crd['spec']> => ({
  versions: [{ ...V1, ...change }],
});

/** A change of a good definition, and the first cause of its refusal. */
const CASES: readonly (readonly [what: string, change: Partial<Crd['spec']>, cause: string])[] = [
  [
    'a group of one word',
    { group: 'example' },
    'metadata.name: Invalid value: "widgets.example.com": must be spec.names.plural+"."+spec.group',
  ],
  [
    'an unknown scope',
    { scope: 'World' },
    'spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"',
  ],
  ['no storage version', withVersion({ storage: false }), 'spec.versions: Invalid value: '],
  [
    'no schema',
    withVersion({ schema: undefined, selectableFields: undefined }),
    'spec.versions[0].schema.openAPIV3Schema: Required value',
  ],
  [
    'a short name with a space',
    { names: { ...widgetCrd().spec.names, shortNames: ['a b'] } },
    'spec.names.shortNames[0]: Invalid value: "a b": a DNS-1035 label must consist',
  ],
  [
    'a bad version',
    withVersion({ name: '1' }),
    'spec.versions[0].name: Invalid value: "1": a DNS-1035 label must consist',
  ],
  [
    'a root that is no object',
    withSchema({ type: 'string' }),
    `${at}.type: Invalid value: "string": must be object at the root`,
  ],
  [
    'a field without a type',
    withSpec({ type: 'object', properties: { a: {} } }),
    `${spec}.properties[a].type: Required value: must not be empty for specified object fields`,
  ],
  ['an array without items', withSpec({ type: 'array' }), `${spec}.items: Required value: must be specified`],
  [
    'a type in anyOf',
    withSpec({ type: 'object', anyOf: [{ type: 'object' }] }),
    `${spec}.anyOf[0].type: Forbidden: must be empty to be structural`,
  ],
  [
    'a condition on what is not there',
    withSchema({
      type: 'object',
      properties: { spec: { type: 'object' } },
      anyOf: [{ properties: { spec: { properties: { a: { minLength: 1 } } } } }],
    }),
    `${spec}.properties[a]: Required value: because it is defined in ${at}.anyOf[0].properties[spec].properties[a]`,
  ],
  [
    'a default of another type',
    withSpec({ type: 'object', properties: { a: { type: 'integer', default: 'x' } } }),
    `${spec}.properties[a].default: Invalid value: "string": `,
  ],
  [
    'a default with unknown fields',
    withSpec({ type: 'object', properties: { a: { type: 'object', default: { b: 1 } } } }),
    `${spec}.properties[a].default: Invalid value: {"b":1}: must not have unknown fields`,
  ],
  [
    'properties and additionalProperties',
    withSpec({
      type: 'object',
      properties: { a: { type: 'string' } },
      additionalProperties: { type: 'string' },
    }),
    `${spec}.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
  ],
  [
    'uniqueItems',
    withSpec({ type: 'array', items: { type: 'string' }, uniqueItems: true }),
    `${spec}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
  ],
  ['$ref', withSpec({ type: 'object', $ref: '#/a' }), `${spec}.$ref: Forbidden: $ref is not supported`],
  [
    'a bad pattern',
    withSpec({ type: 'string', pattern: '(' }),
    `${spec}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `,
  ],
  [
    'a keyed list without keys',
    withSpec({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map' }),
    `${spec}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
  ],
  [
    'a rule that does not compile',
    withSpec({ type: 'object', 'x-kubernetes-validations': [{ rule: 'self.a' }] }),
    `${spec}.x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self.a"`,
  ],
  [
    'an empty rule',
    withSpec({ type: 'object', 'x-kubernetes-validations': [{ rule: ' ' }] }),
    `${spec}.x-kubernetes-validations[0].rule: Required value: rule is not specified`,
  ],
  [
    'a column path without a point',
    withVersion({ additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: 'spec' }] }),
    'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
  ],
  [
    'a column of no type',
    withVersion({ additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: '.a' }] }),
    'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
  ],
  [
    'a scale path outside of spec',
    withVersion({ subresources: { scale: { specReplicasPath: '.x', statusReplicasPath: '.status.x' } } }),
    'spec.subresources.scale.specReplicasPath: Invalid value: ".x": should be a json path under .spec',
  ],
  [
    'a selectable field that is not there',
    withVersion({ selectableFields: [{ jsonPath: '.spec.nothing' }] }),
    'spec.selectableFields[0].jsonPath: Invalid value: ".spec.nothing": is an invalid path: does not refer to a valid field',
  ],
  [
    'a conversion webhook',
    { conversion: { strategy: 'Webhook' } },
    'spec.conversion.strategy: Forbidden: conversion webhooks are not called by this server',
  ],
];

describe('a CustomResourceDefinition is refused', () => {
  for (const [what, change, cause] of CASES) {
    it(`for ${what}`, async () => {
      const { client } = await startRegistry();
      await assert.rejects(client.create(crds, widgetCrd(change)), (error) => {
        const { status } = error as StatusError;
        assert.equal(status.code, 422);
        const causes = status.details?.causes?.map(({ field, message }) => `${field}: ${message}`) ?? [];
        assert.ok(
          causes.some((one) => one.startsWith(cause)),
          `${cause}\nnot among\n${causes.join('\n')}`,
        );
        return true;
      });
    });
  }

  it('of a community group without the review that approved it', async () => {
    const { client } = await startRegistry();
    const crd = { ...widgetCrd({ group: 'x.k8s.io' }), metadata: { name: 'widgets.x.k8s.io' } };
    await assert.rejects(
      client.create(crds, crd),
      /protected groups must have approval annotation "api-approved.kubernetes.io"/,
    );
  });
});
