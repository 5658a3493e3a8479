import { isDefaultClass, type StatusCause, type StorageClass, storageClasses } from '../../../kube/index.ts';
import {
  at,
  invalidValue,
  isQualifiedName,
  oneOf,
  required,
  tooLong,
  unchanged,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { fill } from './defaulting.ts';
import { defineResource } from './define.ts';

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
    defaults: (one) => fill(one, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
    validate,
    validateUpdate: (next, previous) =>
      (['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const).flatMap((field) =>
        unchanged(field, next[field], previous[field]),
      ),
  },
});

/** Rules: Kubernetes 1.36, pkg/apis/storage/validation ValidateStorageClass. */
function validate(one: StorageClass): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!one.provisioner) causes.push(required('provisioner'));
  else {
    const name = one.provisioner.toLowerCase();
    causes.push(...isQualifiedName(name).map((why) => invalidValue('provisioner', name, why)));
  }
  causes.push(...validateParameters(one.parameters ?? {}));
  causes.push(...oneOf('reclaimPolicy', one.reclaimPolicy, ['Delete', 'Retain']));
  causes.push(...oneOf('volumeBindingMode', one.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']));
  for (const [index, term] of (one.allowedTopologies ?? []).entries()) {
    for (const [place, expression] of (term.matchLabelExpressions ?? []).entries()) {
      const path = at(`${at('allowedTopologies', index)}.matchLabelExpressions`, place);
      if (!expression.values?.length) causes.push(required(`${path}.values`));
      causes.push(
        ...isQualifiedName(expression.key).map((why) => invalidValue(`${path}.key`, expression.key, why)),
      );
    }
  }
  return causes;
}

function validateParameters(parameters: Readonly<Record<string, string>>): StatusCause[] {
  const entries = Object.entries(parameters);
  if (entries.length > MAX_PARAMETERS) return [tooLong('parameters', MAX_PARAMETERS)];
  const causes: StatusCause[] = [];
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === '') causes.push(invalidValue('parameters', key, 'field can not be empty.'));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > MAX_PARAMETERS_BYTES) causes.push(tooLong('parameters', MAX_PARAMETERS_BYTES));
  return causes;
}
