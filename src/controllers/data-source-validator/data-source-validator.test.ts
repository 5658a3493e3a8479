import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { populatorCrd } from '../../apiserver/crd/snapshots/index.ts';
import { systemClock } from '../../base/index.ts';
import { waitUntil } from '../../client/index.ts';
import {
  type CustomResourceDefinition,
  customResourceDefinitions,
  events,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  type VolumePopulator,
  volumePopulators,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { isRecognized } from './data-source-validator.ts';
import { createDataSourceValidator } from './index.ts';

const hello: VolumePopulator = { sourceKind: { group: 'hello.example.com', kind: 'Hello' } };
const claim = (dataSourceRef?: object) => ({ spec: { dataSourceRef } }) as PersistentVolumeClaim;

describe('who can fill a volume', () => {
  const cases: [
    what: string,
    source: object | undefined,
    populators: VolumePopulator[],
    recognized: boolean,
  ][] = [
    ['nobody need', undefined, [], true],
    ['a provisioner, from a claim', { kind: 'PersistentVolumeClaim', name: 'c' }, [], true],
    [
      'a provisioner, from a snapshot',
      { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' },
      [],
      true,
    ],
    ['a populator', { apiGroup: 'hello.example.com', kind: 'Hello', name: 'h' }, [hello], true],
    ['nobody', { apiGroup: 'hello.example.com', kind: 'Hello', name: 'h' }, [], false],
    ['nobody of that group', { apiGroup: 'example.com', kind: 'Hello', name: 'h' }, [hello], false],
    ['nobody of that kind', { apiGroup: 'hello.example.com', kind: 'Bye', name: 'h' }, [hello], false],
  ];
  for (const [what, source, populators, recognized] of cases) {
    it(what, () => assert.equal(isRecognized(claim(source), populators), recognized));
  }
});

describe('the data source validator', () => {
  it('tells of a claim that no registered populator fills, and of no other', async (test) => {
    const { client, context, run } = await startStack(test, { watch: [] });
    await client.create(customResourceDefinitions, populatorCrd as unknown as CustomResourceDefinition);
    await client.create(volumePopulators, { metadata: { name: 'hello' }, ...hello });
    run(createDataSourceValidator(context));
    for (const kind of ['Hello', 'Bye'])
      await client.create(persistentVolumeClaims, {
        metadata: { namespace: 'default', name: kind.toLowerCase() },
        spec: {
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '1Gi' } },
          dataSourceRef: { apiGroup: 'hello.example.com', kind, name: 'x' },
        },
      });
    const told = context.informers.of(events);
    const options = { clock: systemClock, limitMs: 30_000, what: 'the event' };
    await waitUntil([told] as never, () => told.size > 0, options);
    const found = [...told.values()].map(({ involvedObject, reason, message }) => [
      involvedObject.name,
      reason,
      message,
    ]);
    assert.deepEqual(found, [
      [
        'bye',
        'UnrecognizedDataSourceKind',
        'The datasource for this PVC does not match any registered VolumePopulator',
      ],
    ]);
  });
});
