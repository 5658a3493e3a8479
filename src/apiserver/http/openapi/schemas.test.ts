import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { builtInDefinitions } from '../../registry/definitions/index.ts';
import { documentV2, documentV3 } from './documents.ts';
import { buildSchemas, modelNamesOf } from './schemas.ts';

// Expectations are what kube-apiserver 1.36 publishes.

const names = modelNamesOf(builtInDefinitions);
const set = buildSchemas(builtInDefinitions, names, new Map());

interface Property {
  readonly [key: string]: unknown;
}
interface Schemas {
  readonly [name: string]: { readonly properties: Readonly<Record<string, Property>> };
}

const schemasOf = (group: string) => {
  const members = builtInDefinitions.filter((one) => one.group === group);
  return (documentV3(members, set) as unknown as { components: { schemas: Schemas } }).components.schemas;
};

function property(path: string): Property | undefined {
  const dot = path.lastIndexOf('.');
  const name = path.slice(0, dot);
  const [, group = ''] = /^io\.k8s\.api\.(\w+)\./.exec(name) ?? [];
  const inGroup = { core: '', storage: 'storage.k8s.io' }[group] ?? group;
  return schemasOf(inGroup)[name]?.properties[path.slice(dot + 1)];
}

describe('OpenAPI schemas', () => {
  for (const [path, value] of [
    ['io.k8s.api.core.v1.Container.name', ''],
    ['io.k8s.api.core.v1.Container.image', undefined],
    ['io.k8s.api.core.v1.Container.resources', {}],
    ['io.k8s.api.core.v1.Container.securityContext', undefined],
    ['io.k8s.api.core.v1.ContainerPort.containerPort', 0],
    ['io.k8s.api.core.v1.ContainerPort.protocol', 'TCP'],
    ['io.k8s.api.core.v1.ContainerStatus.ready', false],
    ['io.k8s.api.core.v1.PersistentVolumeClaim.spec', {}],
    ['io.k8s.api.core.v1.PersistentVolumeClaimSpec.dataSourceRef', undefined],
    ['io.k8s.api.core.v1.PersistentVolumeClaimList.metadata', {}],
    ['io.k8s.api.core.v1.PodSpec.containers', undefined],
    ['io.k8s.api.apps.v1.StatefulSetSpec.selector', undefined],
    ['io.k8s.api.apps.v1.StatefulSetSpec.serviceName', ''],
    ['io.k8s.api.apps.v1.StatefulSetSpec.template', {}],
    ['io.k8s.api.storage.v1.StorageClass.provisioner', ''],
    ['io.k8s.api.storage.v1.VolumeAttachmentSpec.source', {}],
    ['io.k8s.api.storage.v1.VolumeAttachmentStatus.attached', false],
  ] as const)
    it(`${path} is ${JSON.stringify(value)} by default`, () => {
      const found = property(path);
      assert.ok(found, 'is no property');
      assert.deepEqual(found.default, value);
    });

  it('wraps a reference that has something to say beside it', () => {
    const { $ref, allOf } = property('io.k8s.api.core.v1.Container.resources')!;
    assert.equal($ref, undefined);
    assert.deepEqual(allOf, [{ $ref: '#/components/schemas/io.k8s.api.core.v1.ResourceRequirements' }]);
  });

  it('has no defaults in version 2', () =>
    assert.doesNotMatch(
      JSON.stringify(documentV2(builtInDefinitions, set)),
      /"default":[^{]|"default":\{\}/,
    ));

  it('names the words that a field, an item or a value of a map can be', () => {
    const signals = property('io.k8s.api.core.v1.Lifecycle.stopSignal')!.enum as string[];
    assert.equal(signals.length, 65);
    assert.deepEqual(signals, [...signals].sort());
    const { additionalProperties } = property(
      'io.k8s.api.core.v1.PersistentVolumeClaimStatus.allocatedResourceStatuses',
    ) as { additionalProperties: { enum: string[] } };
    assert.equal(additionalProperties.enum.length, 5);
    const { items } = property('io.k8s.api.core.v1.PersistentVolumeSpec.accessModes') as {
      items: { enum: string[] };
    };
    assert.equal(items.enum.length, 4);
  });
});
