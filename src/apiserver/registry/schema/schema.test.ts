import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseNano } from '../../../kube/index.ts';
import { decode } from './decode.ts';
import { duplicateFields } from './duplicates.ts';
import { findModel, modelNames, modelOfKind } from './models.ts';
import { canonicalQuantity } from './quantity-format.ts';

const claim = findModel('V1PersistentVolumeClaim')!;
const pod = findModel('V1Pod')!;
const read = (model: typeof claim, value: unknown, previous?: unknown) => {
  const unknownFields: string[] = [];
  return { object: decode(model, value, previous, { unknownFields }), unknownFields };
};

describe('the models', () => {
  it('all parse and reach only models that are there', () => {
    for (const name of modelNames()) {
      for (const field of findModel(name)!.fields.values()) {
        let type = field.type;
        while (type.kind === 'array' || type.kind === 'map') type = type.of;
        if (type.kind === 'ref') assert.ok(findModel(type.model), `${name}.${field.name}`);
      }
    }
  });

  it('are found by kind', () => {
    assert.equal(modelOfKind('', 'v1', 'Pod')?.name, 'V1Pod');
    assert.equal(modelOfKind('', 'v1', 'Event')?.name, 'CoreV1Event');
    assert.equal(modelOfKind('events.k8s.io', 'v1', 'Event')?.name, 'EventsV1Event');
    assert.equal(modelOfKind('storage.k8s.io', 'v1', 'CSINode')?.name, 'V1CSINode');
    assert.equal(modelOfKind('example.com', 'v1', 'Widget'), undefined);
  });
});

describe('decode', () => {
  it('canonicalizes quantities and times, drops nulls, empty collections and unknown fields', () => {
    const { object, unknownFields } = read(claim, {
      metadata: { name: 'a', labels: {}, finalizers: [], creationTimestamp: null },
      spec: { resources: { requests: { storage: '1024Mi' } }, selector: {}, foo: [1] },
      status: {
        conditions: [{ type: 'x', status: 'y', lastTransitionTime: '2026-01-02T03:04:05.678+01:00' }],
      },
    });
    assert.deepEqual(object, {
      metadata: { name: 'a' },
      spec: { resources: { requests: { storage: '1Gi' } }, selector: {} },
      status: { conditions: [{ type: 'x', status: 'y', lastTransitionTime: '2026-01-02T02:04:05Z' }] },
    });
    assert.deepEqual(unknownFields, ['spec.foo']);
  });

  it('drops "", 0 and false where Go cannot tell them from nothing, and only there', () => {
    const volume = findModel('V1PersistentVolume')!;
    const written = {
      storageClassName: '',
      volumeMode: '',
      csi: { driver: '', volumeHandle: 'h', readOnly: false, fsType: '' },
      awsElasticBlockStore: { volumeID: 'a', partition: 0 },
      azureDisk: { diskName: '', diskURI: 'u', readOnly: false, kind: '' },
    };
    assert.deepEqual(read(volume, { spec: written }).object, {
      spec: {
        volumeMode: '',
        csi: { driver: '', volumeHandle: 'h' },
        awsElasticBlockStore: { volumeID: 'a' },
        azureDisk: { diskName: '', diskURI: 'u', readOnly: false, kind: '' },
      },
    });
    const before = read(volume, { spec: { csi: { driver: 'd', volumeHandle: 'h' } } }).object;
    const same = { spec: { csi: { driver: 'd', volumeHandle: 'h', readOnly: false } } };
    assert.equal(read(volume, same, before).object, before);
  });

  it('takes a number for a quantity', () => {
    const { object } = read(claim, { spec: { resources: { requests: { storage: 5 } } } });
    assert.deepEqual(object, { spec: { resources: { requests: { storage: '5' } } } });
  });

  const refused: [unknown, RegExp][] = [
    [
      { spec: { volumeName: 7 } },
      /^json: cannot unmarshal number into Go struct field PersistentVolumeClaimSpec.spec.volumeName of type string$/,
    ],
    [
      { spec: { accessModes: 'x' } },
      /cannot unmarshal string into Go struct field PersistentVolumeClaimSpec.spec.accessModes of type \[\]string/,
    ],
    [
      { spec: [] },
      /cannot unmarshal array into Go struct field PersistentVolumeClaim.spec of type v1.PersistentVolumeClaimSpec/,
    ],
    [
      { metadata: { labels: { a: true } } },
      /cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string/,
    ],
    [
      { metadata: { generation: 1.5 } },
      /cannot unmarshal number 1.5 into Go struct field ObjectMeta.metadata.generation of type int64/,
    ],
    [
      { spec: { resources: { requests: { storage: '1 GB' } } } },
      /quantities must match the regular expression/,
    ],
    [{ metadata: { creationTimestamp: 'yesterday' } }, /parsing time "yesterday"/],
    ['text', /cannot unmarshal string into Go value of type v1.PersistentVolumeClaim/],
  ];
  for (const [value, message] of refused) {
    it(`refuses ${JSON.stringify(value)}`, () => assert.throws(() => read(claim, value), { message }));
  }

  it('names the place of an unknown field', () => {
    const { unknownFields } = read(pod, {
      spec: { containers: [{ name: 'a' }, { name: 'b', env: [{ nam: 'x' }] }] },
    });
    assert.deepEqual(unknownFields, ['spec.containers[1].env[0].nam']);
  });

  it('gives back the previous object, or its parts, where nothing changed', () => {
    const first = read(pod, {
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'c', image: 'i' }], nodeName: 'n' },
    }).object;
    assert.equal(read(pod, structuredClone(first), first).object, first);
    const next = read(
      pod,
      { ...structuredClone(first), metadata: { name: 'a', labels: { x: 'y' } } },
      first,
    ).object;
    assert.notEqual(next, first);
    assert.equal(next.spec, first.spec);
    const fewer = read(
      pod,
      { metadata: { name: 'a' }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      first,
    ).object;
    assert.deepEqual(fewer.spec, { containers: [{ name: 'c', image: 'i' }] });
  });

  it('freezes all the way down', () => {
    const { object } = read(pod, { spec: { containers: [{ name: 'c', args: ['x'] }] } });
    const { spec } = object as { spec: { containers: { args: string[] }[] } };
    assert.ok(Object.isFrozen(spec.containers[0]?.args));
  });

  it('survives __proto__ among labels', () => {
    const { object } = read(pod, JSON.parse('{"metadata":{"labels":{"__proto__":"x"}}}'));
    assert.equal(JSON.stringify(object), '{"metadata":{"labels":{"__proto__":"x"}}}');
  });
});

describe('canonicalQuantity', () => {
  const cases: [string | number, string | undefined][] = [
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['0.5', '500m'],
    ['1000', '1k'],
    ['1024', '1024'],
    ['100m', '100m'],
    ['1e3', '1e3'],
    ['12e6', '12e6'],
    ['1000m', '1'],
    ['0', '0'],
    ['0Gi', '0'],
    ['1000000Ki', '1000000Ki'],
    ['500Gi', '500Gi'],
    ['10G', '10G'],
    ['1Ki', '1Ki'],
    ['512Ki', '512Ki'],
    [5, '5'],
    ['-1Gi', '-1Gi'],
    ['x', undefined],
    ['1GB', undefined],
  ];
  for (const [text, expected] of cases) {
    it(`${text} is ${expected}`, () => assert.equal(canonicalQuantity(text), expected));
  }

  it('changes no value and is its own canonical form', () => {
    const suffix = fc.constantFrom('', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'Ti', 'e3');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), suffix, (number, unit) => {
        const text = canonicalQuantity(`${number}${unit}`)!;
        assert.equal(parseNano(text), parseNano(`${number}${unit}`));
        assert.equal(canonicalQuantity(text), text);
      }),
    );
  });
});

describe('duplicateFields', () => {
  const cases: [string, string[]][] = [
    ['{"a":1,"b":2}', []],
    ['{"a":1,"a":2}', ['a']],
    [
      ' { "spec" : { "x" : [ { "n" : "}" , "n" : "\\"" } , 1 ] , "y" : { } } , "spec" : null } ',
      ['spec.x[0].n', 'spec'],
    ],
    ['[{"a":{"b":1,"b":1}}]', ['[0].a.b']],
    ['"text"', []],
  ];
  for (const [text, expected] of cases) {
    it(text, () => assert.deepEqual(duplicateFields(text), expected));
  }
});
