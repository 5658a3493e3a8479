import { customResourceDefinitions, type KubeObject, type Stored } from '../../kube/index.ts';
import type { ResourceDefinition } from '../registry/contract.ts';
import { column, nameColumn } from '../registry/definitions/columns.ts';
import { defineResource } from '../registry/definitions/define.ts';
import { markDeleting } from './deletion.ts';
import { nameProblems, validateCrd, validateCrdUpdate } from './rules/crd.ts';
import { formatWarnings } from './rules/formats.ts';
import type { Crd, CrdSpec } from './types.ts';

type Wired = KubeObject;

/** The row of CustomResourceDefinitions themselves. */
export const customResourceDefinitionDefinition: ResourceDefinition = defineResource<Wired>(
  customResourceDefinitions as never,
  {
    subresources: ['status'],
    columns: [
      nameColumn(),
      column('Created At', (crd) => crd.metadata.creationTimestamp, {
        type: 'date',
        description: 'When the server made the object, in RFC 3339 and UTC.',
      }),
    ],
    strategy: {
      requiresResourceVersion: true,
      tracksGeneration: true,
      defaults: (object) => withDefaults(object as Crd),
      prepareForCreate: (object) => {
        const { status: _, ...rest } = object as Crd;
        return withStoredVersion(rest as Crd);
      },
      prepareForUpdate: (next) => withStoredVersion(next as Crd),
      // Whatever the name is, it must be the one that the specification makes: both are reported together.
      validateName: () => [],
      validateNew: (object) => [...nameProblems(object as Crd), ...validateCrd(object as Crd)],
      validateUpdate: (next, previous) => validateCrdUpdate(next as Crd, previous as Stored<Crd>),
      warnings: (object, previous) => formatWarnings(object as Crd, previous as Crd | undefined),
      markDeleting: (object) => markDeleting(object as Crd),
      blocksDeletion: (object) => object.metadata?.deletionTimestamp === undefined,
    },
  },
);

/** Defaults: apis/apiextensions/v1/defaults.go. */
function withDefaults(crd: Crd): Crd {
  const { spec = {} as CrdSpec } = crd;
  const { names } = spec;
  const complete: CrdSpec = {
    ...spec,
    ...(names
      ? {
          names: {
            ...names,
            singular: names.singular || names.kind?.toLowerCase(),
            listKind: names.listKind || (names.kind ? `${names.kind}List` : undefined),
          },
        }
      : undefined),
    conversion: spec.conversion ?? { strategy: 'None' },
  };
  return { ...crd, spec: complete };
}

/** A version that is written to stays in status.storedVersions until somebody has migrated what is stored in it. */
function withStoredVersion(crd: Crd): Crd {
  const storage = crd.spec?.versions?.find(({ storage }) => storage)?.name;
  const stored = crd.status?.storedVersions ?? [];
  if (storage === undefined || stored.includes(storage)) return crd;
  return { ...crd, status: { ...crd.status, storedVersions: [...stored, storage] } };
}
