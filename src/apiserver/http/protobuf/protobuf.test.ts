import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { builtInDefinitions } from '../../registry/definitions/index.ts';
import { findModel, modelNames } from '../../registry/schema/models.ts';
import { decodeMessage } from './decode.ts';
import { encodeMessage } from './encode.ts';
import { openEnvelope } from './envelope.ts';
import { kindOf, messageOfKind } from './kinds.ts';
import { findMessage, messageOf } from './message.ts';
import { objectsOf } from './objects.fixtures.ts';
import { protobufOf } from './objects.ts';
import { WireError } from './reader.ts';
import type { WireField, WireMessage } from './wire-message.ts';
import { ReverseWriter } from './writer.ts';

const namesIn = ({ fields }: WireMessage): string[] =>
  fields.flatMap((field) => ('embedded' in field ? namesIn(field.embedded) : [field.name]));

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

describe('the field numbers', () => {
  it('are there for every kind that is served', () => {
    const stored = builtInDefinitions.filter(({ verbs }) => verbs.includes('create'));
    const without = stored.filter((definition) => !messageOfKind(definition));
    assert.deepEqual(
      without.map(({ kind }) => kind),
      [],
    );
  });

  it('are there for every field of every model; the type of an object is in its envelope', () => {
    const missing: string[] = [];
    for (const model of modelNames()) {
      const message = findMessage(model);
      const known = new Set(message ? namesIn(message) : []);
      // An object's own type; references have theirs as fields.
      const isObject = !known.has('kind');
      for (const name of findModel(model)!.fields.keys())
        if (!known.has(name) && !(isObject && (name === 'apiVersion' || name === 'kind')))
          missing.push(`${model}.${name}`);
    }
    assert.deepEqual(missing, []);
  });

  it('are different from one another', () => {
    const check = (message: WireMessage): void => {
      assert.equal(message.byNumber.size, message.fields.length, message.goName);
      for (const field of message.fields) if ('embedded' in field) check(field.embedded);
    };
    for (const model of modelNames()) check(messageOf(model));
  });
});

/** Held by value, but without `omitempty`: JSON has their zeros, though the published types call them optional. */
const ALWAYS_WRITTEN = new Set([
  'CoreV1Event.reportingComponent',
  'CoreV1Event.reportingInstance',
  'V1NodeRuntimeHandler.name',
  'V1PodDisruptionBudgetStatus.currentHealthy',
  'V1PodDisruptionBudgetStatus.desiredHealthy',
  'V1PodDisruptionBudgetStatus.disruptionsAllowed',
  'V1PodDisruptionBudgetStatus.expectedPods',
  'V1PodFailurePolicyOnPodConditionsPattern.status',
  'V1PriorityClass.value',
  'V1RoleRef.apiGroup',
  'V1StatefulSetOrdinals.start',
  'V1StatefulSetSpec.serviceName',
  'V1StatefulSetStatus.availableReplicas',
  'V1TokenRequestStatus.token',
]);

describe('zeros', () => {
  it('are nothing in JSON where protobuf has them by value', () => {
    const fieldsOf = (message: WireMessage): WireField[] =>
      [...message.byNumber.values()].flatMap((one) => ('embedded' in one ? fieldsOf(one.embedded) : [one]));
    const scalars = new Set(['string', 'bool', 'int32', 'int64', 'double']);
    for (const name of modelNames()) {
      const message = findMessage(name);
      for (const { name: field, byValue } of message ? fieldsOf(message) : []) {
        const { type, required, omitsZero } = findModel(name)!.fields.get(field)!;
        if (required || !scalars.has(type.kind)) continue;
        const expected = byValue && !ALWAYS_WRITTEN.has(`${name}.${field}`);
        assert.equal(omitsZero, expected, `${name}.${field}`);
      }
    }
  });
});

describe('JSON to protobuf and back', () => {
  for (const model of modelNames())
    it(model, () =>
      fc.assert(
        fc.property(objectsOf(model), (object) => {
          const message = messageOf(model);
          const bytes = encodeMessage(message, object);
          const again = decodeMessage(message, bytes);
          assert.deepEqual(again, object);
          assert.deepEqual(encodeMessage(message, again), bytes);
        }),
        { numRuns: 5 },
      ),
    );
});

describe('the bytes of kube-apiserver 1.36', () => {
  const cases: [what: string, object: { apiVersion: string; kind: string }, bytes: string][] = [
    [
      'a Status: every string and number by value is written, empty or not',
      {
        apiVersion: 'v1',
        kind: 'Status',
        metadata: {},
        status: 'Failure',
        message: 'namespaces "nono" not found',
        reason: 'NotFound',
        details: { name: 'nono', kind: 'namespaces' },
        code: 404,
      } as { apiVersion: string; kind: string },
      `6b387300 0a0c0a02763112 06537461747573 1255 0a060a0012001a00 12074661696c757265
       1a1b6e616d6573706163657320226e6f6e6f22206e6f7420666f756e64 22084e6f74466f756e64
       2a180a046e6f6e6f12001a0a6e616d6573706163657328003200 309403 1a002200`,
    ],
    [
      'an object: metadata with a time, a map, an owner of fields with its JSON',
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: {
          name: 'default',
          uid: 'a01810e0-4dd2-4c4b-bf3b-1d1d1bb02d29',
          resourceVersion: '7',
          creationTimestamp: '2026-11-21T13:18:16Z',
          labels: { 'kubernetes.io/metadata.name': 'default' },
          managedFields: [
            {
              manager: 'kube-apiserver',
              operation: 'Update',
              apiVersion: 'v1',
              time: '2026-11-21T13:18:16Z',
              fieldsType: 'FieldsV1',
              fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:kubernetes.io/metadata.name': {} } } },
            },
          ],
        },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      } as { apiVersion: string; kind: string },
      `6b3873000a0f0a02763112094e616d657370616365 128702 0aec01 0a0764656661756c74 1200 1a00 2200
       2a2461303138313065302d346464322d346334622d626633622d316431643162623032643239 320137 3800
       42080898b486d8061000 5a260a1b6b756265726e657465732e696f2f6d657461646174612e6e616d65120764656661756c74
       8a017d0a0e6b7562652d617069736572766572120655706461746 51a0276312208 0898b486d8061000
       32084669656c64735631 3a490a47 7b22663a6d65746164617461223a7b22663a6c6162656c73223a7b222e223a7b7d2c
       22663a6b756265726e657465732e696f2f6d657461646174612e6e616d65223a7b7d7d7d7d 4200
       120c0a0a6b756265726e65746573 1a080a06416374697665 1a002200`,
    ],
  ];
  for (const [what, object, bytes] of cases) {
    it(`${what}`, () => assert.equal(protobufOf(object).toString('hex'), hex(bytes).toString('hex')));
    it(`${what}, read again`, () => {
      const { apiVersion, kind, raw } = openEnvelope(hex(bytes));
      const message = messageOfKind(kindOf(apiVersion, kind))!;
      const read = { apiVersion, kind, metadata: {}, ...decodeMessage(message, raw) };
      assert.deepEqual(read, object);
    });
  }
});

describe('what is not a message', () => {
  const pod = messageOf('V1Pod');
  const schema = messageOf('V1JSONSchemaProps');
  const read = (message: WireMessage, bytes: Uint8Array) => {
    try {
      return decodeMessage(message, Buffer.from(bytes));
    } catch (error) {
      assert.ok(error instanceof WireError, String(error));
      return undefined;
    }
  };

  it('is refused, whatever the bytes, and nothing else happens', () =>
    fc.assert(
      fc.property(fc.constantFrom(...modelNames()), fc.uint8Array({ maxLength: 64 }), (model, bytes) => {
        read(messageOf(model), bytes);
      }),
      { numRuns: 3000 },
    ));

  it('is refused where a message has been damaged or cut', () =>
    fc.assert(
      fc.property(objectsOf('V1Pod'), fc.nat(), fc.integer({ min: 0, max: 255 }), (object, at, byte) => {
        const bytes = encodeMessage(pod, object);
        fc.pre(bytes.length > 0);
        const place = at % bytes.length;
        read(pod, bytes.subarray(0, place));
        bytes[place] = byte;
        read(pod, bytes);
      }),
      { numRuns: 200 },
    ));

  const refusals: [what: string, message: WireMessage, bytes: string, why: RegExp][] = [
    ['a length beyond the end', pod, '0a05', /^unexpected EOF$/],
    ['a huge length', pod, '0affffffffffffffff7f', /^unexpected EOF$/],
    ['a negative length', pod, '0affffffffffffffffff01', /negative length found/],
    ['an endless number', pod, 'ffffffffffffffffffffff01', /integer overflow/],
    ['another wire type', pod, '0801', /^proto: wrong wireType = 0 for field metadata$/],
    ['the end of no group', pod, '0c', /^proto: Pod: wiretype end group for non-group$/],
    ['field 0', pod, '0200', /^proto: Pod: illegal tag 0/],
    ['a wire type that is none', pod, 'a70600', /^proto: illegal wireType 7$/],
    ['a group without its end', pod, 'a306', /^unexpected EOF$/],
    ['text that is not UTF-8', schema, '0a01ff', /invalid UTF-8/],
    ['raw JSON that is none', schema, '42030a017b', /^raw JSON: /],
    ['a year past 9999', pod, '0a0f420d08ffffffffffffffff7f1000', /unexpected EOF|year outside of range/],
  ];
  for (const [what, message, bytes, why] of refusals)
    it(what, () =>
      assert.throws(() => decodeMessage(message, hex(bytes)), { name: 'WireError', message: why }),
    );

  it('a schema in a schema in a schema … ends somewhere', () => {
    const writer = new ReverseWriter();
    for (let depth = 0; depth < 20_000; depth++) writer.close(28, 0);
    assert.throws(() => decodeMessage(schema, writer.finish()), { name: 'WireError', message: /max depth/ });
  });

  it('unknown fields are passed over, groups in groups too', () => {
    const deep = Buffer.concat([Buffer.alloc(100_000, 0x0b), Buffer.alloc(100_000, 0x0c)]);
    const unknown = hex('f83f05 fa3f0161 f93f0102030405060708 fd3f01020304');
    const known = encodeMessage(schema, { type: 'object' });
    assert.deepEqual(decodeMessage(schema, Buffer.concat([hex('fb3f'), deep, hex('fc3f'), unknown, known])), {
      type: 'object',
    });
  });

  it('a message in parts is merged, a repeated number may be packed', () => {
    const part = (object: object) => encodeMessage(messageOf('V1PodSecurityContext'), object);
    const bytes = Buffer.concat([part({ fsGroup: 1, supplementalGroups: [1] }), hex('22020203')]);
    assert.deepEqual(decodeMessage(messageOf('V1PodSecurityContext'), bytes), {
      fsGroup: 1,
      supplementalGroups: [1, 2, 3],
    });
    const named = encodeMessage(pod, { metadata: { name: 'a' } });
    assert.deepEqual(decodeMessage(pod, Buffer.concat([named, hex('0a032a0175')])), {
      metadata: { name: 'a', uid: 'u' },
    });
  });
});
