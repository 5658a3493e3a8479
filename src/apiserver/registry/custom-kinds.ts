import type { Logger } from '../../base/index.ts';
import { customResourceDefinitions, type Resource, type Stored } from '../../kube/index.ts';
import type { CustomResourcesHost } from '../crd/custom-resources.ts';
import type { Crd } from '../crd/types.ts';
import type { Table } from '../store/index.ts';
import { SYSTEM } from './bootstrap.ts';
import type { Catalogue } from './catalogue.ts';
import type { Registry } from './contract.ts';
import { durable, type Writes } from './writes.ts';

interface Parts {
  readonly catalogue: Catalogue;
  readonly writes: Writes;
  readonly registry: Pick<Registry, 'deleteCollection'>;
  readonly now: () => number;
  readonly log: Logger;
}

/** What the kinds that are defined at run time need of the registry. */
export function customResourcesHost({ catalogue, writes, registry, now, log }: Parts): CustomResourcesHost {
  const definition = catalogue.of(customResourceDefinitions);
  const table = catalogue.table(definition);
  return {
    log,
    now,
    all: () => catalogue.newest<Crd>(customResourceDefinitions as Resource<never>),
    get: (name) => table.get(name)?.object as Stored<Crd> | undefined,
    write: (name, build) =>
      durable(
        writes.update(table, definition, name, name, {
          context: SYSTEM,
          subresource: 'status',
          build: (previous) => build(previous as Stored<Crd>),
        }),
      ),
    isBuiltIn: (group, plural) => catalogue.isBuiltIn(group, plural),
    replace: (old, next) => catalogue.replace(old, next),
    deleteAll: async (kind) => {
      await registry.deleteCollection(kind, {}, {}, SYSTEM);
    },
    empty: (kind) => emptied(catalogue.table(kind)),
  };
}

/** Resolves once nothing is left. */
function emptied(table: Table): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (table.size > 0) return;
      stop();
      resolve();
    };
    const stop = table.onChange(check);
    check();
  });
}
