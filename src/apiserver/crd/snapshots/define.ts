import type { Crd, CrdVersion, JSONSchema, PrinterColumn } from '../types.ts';

/** A kind of snapshots, in short. */
export interface SnapshotKind {
  readonly group: string;
  readonly names: Crd['spec']['names'];
  readonly isNamespaced?: boolean;
  /** Groups of the community name the review that approved them. */
  readonly approval: string;
  /** `Name:type .path; …`; a string when it says no type. The age comes last by itself. */
  readonly columns: string;
  readonly versions: readonly Omit<CrdVersion, 'additionalPrinterColumns'>[];
}

export function define(
  name: string,
  schema: JSONSchema,
  options: { readonly storage?: boolean; readonly status?: boolean; readonly deprecated?: boolean } = {},
): Omit<CrdVersion, 'additionalPrinterColumns'> {
  return {
    name,
    served: true,
    storage: options.storage ?? false,
    ...(options.deprecated ? { deprecated: true } : undefined),
    schema: { openAPIV3Schema: schema },
    subresources: options.status ? { status: {} } : {},
  };
}

/** The definition of a kind. */
export function crdOf({ group, names, isNamespaced, approval, columns, versions }: SnapshotKind): Crd {
  const additionalPrinterColumns = `${columns}; Age:date .metadata.creationTimestamp`
    .split('; ')
    .map(columnOf);
  return {
    metadata: { name: `${names.plural}.${group}`, annotations: { 'api-approved.kubernetes.io': approval } },
    spec: {
      group,
      names: { ...names, listKind: `${names.kind}List` },
      scope: isNamespaced ? 'Namespaced' : 'Cluster',
      versions: versions.map((version) => ({ ...version, additionalPrinterColumns })),
    },
  };
}

function columnOf(text: string): PrinterColumn {
  const [, name, type = 'string', jsonPath] = /^(\w+)(?::(\w+))? (\S+)$/.exec(text)!;
  return { name: name!, type, jsonPath: jsonPath! };
}
