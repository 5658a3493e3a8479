import {
  type StatusCause,
  type VolumeAttributesClass,
  volumeAttributesClasses,
} from '../../../kube/index.ts';
import { equal, forbiddenField, required } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { parameterCauses, provisionerCauses } from './storage-classes.ts';

export const volumeAttributesClassDefinition = defineResource<VolumeAttributesClass>(
  volumeAttributesClasses,
  {
    columns: [
      nameColumn(),
      column('DriverName', (one) => one.driverName, { description: 'The driver that it is for.' }),
      ageColumn(),
    ],
    strategy: {
      validate,
      validateUpdate: (next, previous) =>
        (['driverName', 'parameters'] as const).flatMap((name) =>
          equal(next[name] ?? {}, previous[name] ?? {})
            ? []
            : [forbiddenField(name, `updates to ${name} are forbidden.`)],
        ),
    },
  },
);

/** Rules: Kubernetes 1.36, pkg/apis/storage/validation ValidateVolumeAttributesClass. */
function validate({ driverName, parameters = {} }: VolumeAttributesClass): StatusCause[] {
  const causes = [
    ...provisionerCauses('driverName', driverName),
    ...parameterCauses('parameters', parameters),
  ];
  if (Object.keys(parameters).length === 0) {
    causes.push(required('parameters', 'must contain at least one key/value pair'));
  }
  return causes;
}
