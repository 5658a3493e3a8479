import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { startTestServer, type TestServer } from '../test-server.ts';

let api: TestServer;
before(async () => {
  api = await startTestServer();
});
after(() => api?.close());

it('values in a definition may be of any type for clients that check by themselves', async () => {
  const accept = { Accept: 'application/json' };
  const { definitions } = (await api.fetch('/openapi/v2', { headers: accept })).json<{
    definitions: Record<
      string,
      { type?: string; properties: Record<string, { $ref?: string; items?: { $ref?: string } }> }
    >;
  }>();
  const home = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
  const { properties } = definitions[`${home}.JSONSchemaProps`]!;
  assert.equal(properties.enum?.items?.$ref, `#/definitions/${home}.JSON`);
  assert.equal(properties.items?.$ref, `#/definitions/${home}.JSONSchemaPropsOrArray`);
  for (const name of [
    'JSON',
    'JSONSchemaPropsOrArray',
    'JSONSchemaPropsOrBool',
    'JSONSchemaPropsOrStringArray',
  ])
    assert.equal(definitions[`${home}.${name}`]?.type, undefined, name);
});
