import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { configMaps, customResourceDefinitions } from '../../../kube/index.ts';
import { startTestServer, type TestServer } from '../test-server.ts';
import { decodeMessage } from './decode.ts';
import { openEnvelope, PROTOBUF_TYPE } from './envelope.ts';
import { kindOf, messageOfKind } from './kinds.ts';
import { protobufOf } from './objects.ts';
import { WireReader } from './reader.ts';
import { type WireMessage, type WireType, wireMessage } from './wire-message.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const asProtobuf = { Accept: PROTOBUF_TYPE };
const both = { ...asProtobuf, 'Content-Type': PROTOBUF_TYPE, 'User-Agent': 'a-go-client/1' };
const asPartial = (kind: string) => ({ Accept: `${PROTOBUF_TYPE};as=${kind};g=meta.k8s.io;v=v1` });
const WATCH_LIMIT_MS = 60_000;

const configMap = (name: string, data?: object) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});

interface Read {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { name: string; resourceVersion: string; uid: string; annotations?: object };
  readonly items: Read[];
  readonly [field: string]: unknown;
}

/** What a Go client makes of a response. */
function read(body: Buffer): Read {
  const { apiVersion, kind, raw } = openEnvelope(body);
  return { apiVersion, kind, ...decodeMessage(messageFor(apiVersion, kind), raw) } as unknown as Read;
}

function messageFor(apiVersion: string, kind: string): WireMessage {
  const message = messageOfKind(kindOf(apiVersion, kind));
  if (message) return message;
  // Lists: metadata in field 1, items in field 2. PodTemplateSpec begins as PartialObjectMetadata does.
  const item: WireType = {
    kind: 'message',
    model: kind === 'ConfigMapList' ? 'V1ConfigMap' : 'V1PodTemplateSpec',
  };
  const metadata: WireType = {
    kind: 'message',
    model: kind === 'PartialObjectMetadata' ? 'V1ObjectMeta' : 'V1ListMeta',
  };
  const field = { byValue: true, required: true };
  return wireMessage(kind, [
    { ...field, number: 1, name: 'metadata', type: metadata },
    { ...field, number: 2, name: 'items', type: { kind: 'list', of: item } },
  ]);
}

/** The events in the frames of a watch's response. */
function readFrames(body: Buffer): { type: string; object: Read }[] {
  const events = [];
  for (let at = 0; at < body.length; ) {
    const length = body.readUInt32BE(at);
    const event = new WireReader(body, at + 4, at + 4 + length);
    event.tag('WatchEvent');
    const type = event.string();
    event.tag('WatchEvent');
    const extension = event.part();
    extension.tag('RawExtension');
    events.push({ type, object: read(extension.bytes()) });
    at += 4 + length;
  }
  return events;
}

describe('protobuf over HTTP', () => {
  let api: TestServer;
  before(async () => {
    api = await startTestServer({ logCapacity: 4 });
  });
  after(() => api.close());

  const post = (body: Buffer | string, path = CONFIG_MAPS) =>
    api.fetch(path, { method: 'POST', headers: both, body });
  const put = (path: string, body: Buffer) => api.fetch(path, { method: 'PUT', headers: both, body });

  it('a create and an update store what their JSON twins store', async () => {
    const name = { namespace: 'default', name: 'twin' };
    const data = { a: '1', b: 'é😀' };
    const created = await post(protobufOf(configMap('twin', data)));
    assert.equal(created.code, 201, created.body.toString());
    assert.equal(created.headers['content-type'], PROTOBUF_TYPE);
    assert.deepEqual(read(created.body).data, data);
    const stored = await api.client.get(configMaps, name);
    await api.client.delete(configMaps, name);
    const twin = await api.client.create(configMaps, configMap('twin', data) as never);
    assert.deepEqual(stored.data, twin.data);
    assert.deepEqual(Object.keys(stored.metadata).sort(), Object.keys(twin.metadata).sort());

    const updated = await put(
      `${CONFIG_MAPS}/twin`,
      protobufOf({ ...twin, apiVersion: 'v1', kind: 'ConfigMap', data: { c: '3' } } as never),
    );
    assert.equal(updated.code, 200, updated.body.toString());
    assert.deepEqual((await api.client.get(configMaps, name)).data, { c: '3' });
  });

  it('gets, lists and their metadata alone', async () => {
    for (const name of ['list-a', 'list-b'])
      await post(protobufOf(configMap(name, { big: 'x'.repeat(100_000) })));
    const one = read((await api.fetch(`${CONFIG_MAPS}/list-a`, { headers: asProtobuf })).body);
    assert.equal(one.kind, 'ConfigMap');
    assert.equal(one.metadata.name, 'list-a');

    const answer = await api.fetch(CONFIG_MAPS, { headers: asProtobuf });
    assert.equal(answer.headers['content-type'], PROTOBUF_TYPE);
    const json = (await api.fetch(CONFIG_MAPS)).json<Read>();
    const list = read(answer.body);
    assert.equal(list.kind, 'ConfigMapList');
    assert.deepEqual(list.metadata, json.metadata);
    assert.deepEqual(
      list.items,
      json.items.map(({ apiVersion, kind, ...rest }) => rest),
    );

    const meta = read(
      (await api.fetch(`${CONFIG_MAPS}/list-a`, { headers: asPartial('PartialObjectMetadata') })).body,
    );
    assert.equal(meta.apiVersion, 'meta.k8s.io/v1');
    assert.equal(meta.kind, 'PartialObjectMetadata');
    assert.deepEqual(meta.metadata, one.metadata);
    const metas = read(
      (await api.fetch(CONFIG_MAPS, { headers: asPartial('PartialObjectMetadataList') })).body,
    );
    assert.deepEqual(
      metas.items.map(({ metadata }) => metadata),
      list.items.map(({ metadata }) => metadata),
    );
  });

  it('a deletion takes its options, and answers with a Status', async () => {
    const uid = read((await post(protobufOf(configMap('gone')))).body).metadata.uid;
    const remove = (options: object) => {
      const body = protobufOf({ apiVersion: 'meta.k8s.io/v1', kind: 'DeleteOptions', ...options });
      const headers = { ...both, 'Content-Length': body.length };
      return api.fetch(`${CONFIG_MAPS}/gone`, { method: 'DELETE', headers, body });
    };
    const refused = await remove({ preconditions: { uid: 'another' } });
    assert.equal(refused.code, 409, refused.body.toString());
    assert.equal(read(refused.body).reason, 'Conflict');
    const done = await remove({ preconditions: { uid }, propagationPolicy: 'Background' });
    assert.equal(done.code, 200, done.body.toString());
    const status = read(done.body);
    assert.equal(status.kind, 'Status');
    assert.equal(status.status, 'Success');
    assert.equal((await api.fetch(`${CONFIG_MAPS}/gone`, { headers: asProtobuf })).code, 404);
  });

  it('a watch is frames: what is there, what comes, and a bookmark', async () => {
    await post(protobufOf(configMap('seen', { a: '1' })));
    const query = 'watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
    const { server, pki } = api;
    const outgoing = request(`${server.url}${CONFIG_MAPS}?${query}&fieldSelector=metadata.name%3Dseen`, {
      headers: { Accept: `${PROTOBUF_TYPE};stream=watch, application/json` },
      ca: pki.ca,
      ...pki.admin,
      agent: false,
      signal: AbortSignal.timeout(WATCH_LIMIT_MS),
    }).end();
    try {
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      assert.equal(response.headers['content-type'], `${PROTOBUF_TYPE};stream=watch`);
      const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      let body = Buffer.alloc(0);
      const until = async (count: number) => {
        while (readWhole(body).length < count) body = Buffer.concat([body, (await chunks.next()).value]);
        return readWhole(body);
      };
      await until(2);
      await api.client.delete(configMaps, { namespace: 'default', name: 'seen' });
      const events = await until(3);
      assert.deepEqual(
        events.map(({ type }) => type),
        ['ADDED', 'BOOKMARK', 'DELETED'],
      );
      assert.deepEqual(events[0]!.object.data, { a: '1' });
      assert.deepEqual(events[1]!.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
      assert.equal(events[2]!.object.metadata.name, 'seen');
    } finally {
      outgoing.destroy();
    }
  });

  it('a watch from a version that is gone is an ERROR event', async () => {
    const answer = await api.fetch(`${CONFIG_MAPS}?watch=1&resourceVersion=1`, { headers: asProtobuf });
    assert.equal(answer.code, 200);
    const [error] = readFrames(answer.body);
    assert.equal(error?.type, 'ERROR');
    assert.equal(error.object.kind, 'Status');
    assert.equal(error.object.code, 410);
  });

  const prefix = 'k8s\0';
  const refusals: [what: string, body: string, code: number, message: string][] = [
    [
      'text',
      '{}',
      400,
      'the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})',
    ],
    [
      'nothing',
      '',
      400,
      'the object provided is unrecognized (must be of type ConfigMap): empty data (<empty>)',
    ],
    [
      'the prefix alone',
      prefix,
      400,
      'the object provided is unrecognized (must be of type ConfigMap): empty body (6b387300)',
    ],
    [
      'half an envelope',
      `${prefix}\x12\x05aa`,
      400,
      'the object provided is unrecognized (must be of type ConfigMap): unexpected EOF (6b38730012056161)',
    ],
    [
      'half an object',
      `${prefix}\x12\x02aa`,
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF',
    ],
    [
      'an object of another kind',
      `${prefix}\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x00`,
      400,
      'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    ],
  ];
  for (const [what, body, code, message] of refusals)
    it(`${what} in place of an object: ${code}`, async () => {
      const answer = await post(Buffer.from(body, 'latin1'));
      assert.equal(answer.code, code);
      assert.equal(read(answer.body).message, message);
    });

  it('custom resources are JSON; their metadata is not', async () => {
    await api.client.create(customResourceDefinitions, {
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'widgets', kind: 'Pod' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    } as never);
    const widgets = '/apis/example.com/v1/namespaces/default/widgets';
    const json = { 'Content-Type': 'application/json' };
    const widget = JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Pod', metadata: { name: 'w' } });
    const made = await api.fetch(widgets, { method: 'POST', headers: json, body: widget });
    assert.equal(made.code, 201, made.body.toString());

    const types = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
    const refused = await api.fetch(`${widgets}/w`, { headers: asProtobuf });
    assert.equal(refused.code, 406);
    assert.equal(read(refused.body).message, `only the following media types are accepted: ${types}`);
    const unread = await api.fetch(widgets, {
      method: 'POST',
      headers: { 'Content-Type': PROTOBUF_TYPE },
      body: protobufOf(configMap('x')),
    });
    assert.equal(unread.code, 415);
    const preferred = await api.fetch(`${widgets}/w`, {
      headers: { Accept: `${PROTOBUF_TYPE},application/json` },
    });
    assert.equal(preferred.json().kind, 'Pod');
    const meta = await api.fetch(`${widgets}/w`, { headers: asPartial('PartialObjectMetadata') });
    assert.equal(read(meta.body).metadata.name, 'w');
  });
});

/** The frames that have come whole. */
function readWhole(body: Buffer) {
  let end = 0;
  while (end + 4 <= body.length && end + 4 + body.readUInt32BE(end) <= body.length)
    end += 4 + body.readUInt32BE(end);
  return readFrames(body.subarray(0, end));
}
