import {
  badRequest,
  type FieldTerm,
  type KubeObject,
  matchesSelector,
  parseFieldSelector,
  type Selector,
  type Stored,
} from '../../kube/index.ts';
import type { ResourceDefinition } from './contract.ts';
import { parseLabelSelector } from './label-selector.ts';

/** A term that an index of the resource answers. */
export interface IndexedTerm {
  readonly path: string;
  readonly value: string;
  readonly read: (object: KubeObject) => string;
}

/** Which objects of a resource a list or watch is about. */
export interface Selection {
  /** Everything passes `matches`. */
  readonly everything: boolean;
  /** Set when the selection can hold only one name. */
  readonly name: string | undefined;
  /** Set when the selection can hold only objects with this value in an indexed field. */
  readonly indexed: IndexedTerm | undefined;
  matches(object: Stored<KubeObject>): boolean;
}

/** @throws StatusError 400 for a selector that cannot be parsed, or a field that is not selectable. */
export function parseSelection(
  definition: ResourceDefinition,
  options: { readonly labelSelector?: string; readonly fieldSelector?: string },
): Selection {
  if (!options.labelSelector && !options.fieldSelector) {
    return { everything: true, name: undefined, indexed: undefined, matches: () => true };
  }
  let labels: Selector;
  let fields: readonly FieldTerm[];
  try {
    labels = parseLabelSelector(options.labelSelector ?? '');
    // A term of nothing at all asks for nothing.
    fields = parseFieldSelector(options.fieldSelector ?? '').filter(({ path, value }) => path || value);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
  const terms = fields.map((term) => ({ ...term, read: reader(definition, term.path) }));
  const named = fields.find((term) => term.path === 'metadata.name' && term.equals);
  return {
    everything: labels.length === 0 && terms.length === 0,
    name: named?.value,
    indexed: terms.find((term) => term.equals && definition.indexedFields?.includes(term.path)),
    matches: (object) =>
      matchesSelector(labels, object.metadata.labels) &&
      terms.every((term) => (term.read(object) === term.value) === term.equals),
  };
}

function reader(definition: ResourceDefinition, path: string): (object: KubeObject) => string {
  if (path === 'metadata.name') return (object) => object.metadata?.name ?? '';
  const { selectableFields } = definition;
  const hasOwn = Object.keys(selectableFields).length > 0 || definition.custom !== undefined;
  // Where the scheme has them, kinds without a namespace have this field too.
  if (path === 'metadata.namespace' && (definition.namespaced || !hasOwn))
    return (object) => object.metadata?.namespace ?? '';
  const read = Object.hasOwn(selectableFields, path) ? selectableFields[path] : undefined;
  if (read) return read;
  // Kinds without fields of their own are told by the scheme which there are (DefaultMetaV1FieldSelectorConversion).
  throw badRequest(
    hasOwn
      ? (definition.unknownField?.(path) ?? `field label not supported: ${path}`)
      : `${JSON.stringify(path)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}
