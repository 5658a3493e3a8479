import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Model, modelOfKind } from '../schema/index.ts';
import { ATOMIC_FIELDS, ATOMIC_MODELS, GRANULAR_FIELDS, LIST_KEYS, SETS } from './topology.ts';

/** Where upstream's published schemas are: the documents of /openapi/v3, one file a group version. */
const folder = process.env.STOWAGE_UPSTREAM_OPENAPI ?? '';

interface Schema {
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

describe('the topology of lists, maps and objects', {
  skip: existsSync(folder) ? false : 'upstream schemas are absent (STOWAGE_UPSTREAM_OPENAPI)',
}, () => {
  it('is that of the schemas that upstream publishes', () => {
    const found = {
      keys: {} as Record<string, Record<string, unknown>>,
      sets: {} as Record<string, Record<string, true>>,
      atomicFields: {} as Record<string, Record<string, true>>,
      atomicModels: new Set<string>(),
      granular: new Set<string>(),
    };
    for (const [model, schema] of publishedModels()) {
      if (schema['x-kubernetes-map-type'] === 'atomic') found.atomicModels.add(model);
      for (const [field, property] of Object.entries(schema.properties ?? {})) {
        const list = property['x-kubernetes-list-type'];
        const map = property['x-kubernetes-map-type'];
        if (list === 'map')
          note(found.keys, model, field, property['x-kubernetes-list-map-keys']!.toSorted());
        if (list === 'set') note(found.sets, model, field, true);
        if (map === 'atomic') note(found.atomicFields, model, field, true);
        if (map === 'granular') found.granular.add(`${model}.${field}`);
      }
    }
    assert.deepEqual(found.keys, LIST_KEYS);
    assert.deepEqual(found.sets, SETS);
    assert.deepEqual(found.atomicFields, ATOMIC_FIELDS);
    assert.deepEqual(found.atomicModels, ATOMIC_MODELS);
    for (const [model, fields] of Object.entries(GRANULAR_FIELDS))
      for (const field of Object.keys(fields)) assert.ok(found.granular.has(`${model}.${field}`));
  });
});

function note<T>(table: Record<string, Record<string, T>>, model: string, field: string, value: T): void {
  table[model] = { ...table[model], [field]: value };
}

/** The schemas of what this server has models of. */
function* publishedModels(): Generator<readonly [model: string, schema: Schema]> {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const { components } = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as {
      components: { schemas: Record<string, Schema> };
    };
    for (const [name, schema] of Object.entries(components.schemas)) {
      const [group, version, kind] = name.split('.').slice(-3) as [string, string, string];
      const model: Model | undefined = modelOfKind(group === 'core' ? '' : group, version, kind);
      if (model) yield [model.name, schema];
    }
  }
}
