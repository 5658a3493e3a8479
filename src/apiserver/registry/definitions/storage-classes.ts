import {
  isDefaultClass,
  type StatusCause,
  type StorageClass,
  storageClasses,
  type TopologySelectorTerm,
} from '../../../kube/index.ts';
import {
  at,
  duplicate,
  invalidValue,
  isQualifiedName,
  oneOf,
  required,
  tooLong,
  unchanged,
  validateWith,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { oldNodeLabel } from './deprecations.ts';

const MAX_PARAMETERS = 512;
const MAX_PARAMETERS_BYTES = 256 * 1024;

export const storageClassDefinition = defineResource<StorageClass>(storageClasses, {
  columns: [
    nameColumn((one) => (isDefaultClass(one) ? `${one.metadata.name} (default)` : one.metadata.name)),
    column('Provisioner', (one) => one.provisioner, { description: 'Who makes volumes of this class.' }),
    column('ReclaimPolicy', (one) => one.reclaimPolicy ?? 'Delete', {
      description: 'The reclaim policy that its volumes get.',
    }),
    column('VolumeBindingMode', (one) => one.volumeBindingMode ?? 'Immediate', {
      description: 'When volumes are provisioned and bound.',
    }),
    // Upstream says string and sends a boolean; kubectl shows the same.
    column('AllowVolumeExpansion', (one) => one.allowVolumeExpansion ?? false, {
      description: 'Whether its volumes can be expanded.',
    }),
    ageColumn(),
  ],
  strategy: {
    // An empty text is a text here: these are pointers upstream.
    defaults: (one) => ({
      ...one,
      reclaimPolicy: one.reclaimPolicy ?? 'Delete',
      volumeBindingMode: one.volumeBindingMode ?? 'Immediate',
    }),
    validate,
    warnings,
    validateUpdate: (next, previous) =>
      (['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const).flatMap((field) =>
        unchanged(field, next[field], previous[field]),
      ),
  },
});

/** Rules: Kubernetes 1.36, pkg/apis/storage/validation ValidateStorageClass. */
function validate(one: StorageClass): StatusCause[] {
  const causes = [
    ...provisionerCauses('provisioner', one.provisioner),
    ...parameterCauses('parameters', one.parameters ?? {}),
  ];
  causes.push(...oneOf('reclaimPolicy', one.reclaimPolicy || undefined, ['Delete', 'Retain']));
  causes.push(...oneOf('volumeBindingMode', one.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']));
  return [...causes, ...topologyCauses(one.allowedTopologies ?? [])];
}

/** The name of a provisioner or driver, as classes have it. */
export function provisionerCauses(path: string, provisioner: string | undefined): StatusCause[] {
  return provisioner ? validateWith(path, provisioner.toLowerCase(), isQualifiedName) : [required(path)];
}

/** What a class hands to its driver: limited in number and size. */
export function parameterCauses(path: string, parameters: Readonly<Record<string, string>>): StatusCause[] {
  const entries = Object.entries(parameters);
  if (entries.length > MAX_PARAMETERS) return [tooLong(path, MAX_PARAMETERS)];
  const causes: StatusCause[] = [];
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === '') causes.push(invalidValue(path, key, 'field can not be empty.'));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > MAX_PARAMETERS_BYTES) causes.push(tooLong(path, MAX_PARAMETERS_BYTES));
  return causes;
}

/** Rules: validateAllowedTopologies. Terms and the values in them are sets. */
function topologyCauses(terms: readonly TopologySelectorTerm[]): StatusCause[] {
  const causes: StatusCause[] = [];
  // Upstream compares with as many empty terms as there are terms, too: an empty term is always told.
  const seen = terms.map(() => '');
  for (const [index, { matchLabelExpressions = [] }] of terms.entries()) {
    const here = `${at('allowedTopologies', index)}.matchLabelExpressions`;
    const keys = new Map<string, readonly string[]>();
    for (const [place, { key = '', values = [] }] of matchLabelExpressions.entries()) {
      const path = at(here, place);
      if (values.length === 0) causes.push(required(`${path}.values`));
      for (const [spot, value] of values.entries()) {
        if (values.indexOf(value) < spot) causes.push(duplicate(at(`${path}.values`, spot), value));
      }
      causes.push(...validateWith(`${path}.key`, key, isQualifiedName));
      if (keys.has(key)) causes.push(duplicate(`${path}.key`, key));
      keys.set(key, [...new Set(values)].sort());
    }
    const form = keys.size === 0 ? '' : JSON.stringify([...keys].sort());
    causes.push(...seen.filter((one) => one === form).map(() => duplicate(here, '')));
    seen.push(form);
  }
  return causes;
}

function warnings({ allowedTopologies = [] }: StorageClass): string[] {
  return allowedTopologies.flatMap(({ matchLabelExpressions = [] }, index) =>
    matchLabelExpressions.flatMap(({ key = '' }, place) => {
      const what = oldNodeLabel(key);
      const path = at(`${at('allowedTopologies', index)}.matchLabelExpressions`, place);
      return what ? [`${path}.key: ${what}`] : [];
    }),
  );
}
