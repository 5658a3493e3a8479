import { type PersistentVolumeClaimSpec, quantityMilliValue, type StatusCause } from '../../../kube/index.ts';
import {
  at,
  equal,
  invalidValue,
  isDNS1123Label,
  isDNS1123Subdomain,
  oneOf,
  required,
  validateWith,
} from '../validation/index.ts';
import { labelSelectorCauses } from './selector-validation.ts';
import {
  accessModeCauses,
  classNameCauses,
  storageQuantityCauses,
  VOLUME_MODES,
} from './volume-validation.ts';

/** Rules of a claim's spec, wherever it stands. Source: Kubernetes 1.36, ValidatePersistentVolumeClaimSpec. */
export function claimSpecCauses(spec: PersistentVolumeClaimSpec | undefined, path: string): StatusCause[] {
  const modes = spec?.accessModes ?? [];
  const size = spec?.resources?.requests?.storage;
  const sizePath = at(`${path}.resources`, 'storage');
  return [
    ...(modes.length === 0 ? [required(`${path}.accessModes`, 'at least 1 access mode is required')] : []),
    ...labelSelectorCauses(spec?.selector, `${path}.selector`),
    ...(modes.length > 0 ? accessModeCauses(modes, `${path}.accessModes`) : []),
    ...(size === undefined ? [required(sizePath)] : storageQuantityCauses(sizePath, size)),
    ...classNameCauses(`${path}.storageClassName`, spec?.storageClassName),
    ...oneOf(`${path}.volumeMode`, spec?.volumeMode, VOLUME_MODES),
    ...dataSourceCauses(spec, path),
    ...classNameCauses(`${path}.volumeAttributesClassName`, spec?.volumeAttributesClassName),
  ];
}

function dataSourceCauses(spec: PersistentVolumeClaimSpec | undefined, path: string): StatusCause[] {
  const { dataSource, dataSourceRef } = spec ?? {};
  const causes = [
    ...referenceCauses(dataSource, `${path}.dataSource`),
    ...referenceCauses(dataSourceRef, `${path}.dataSourceRef`),
  ];
  if (!dataSource || !dataSourceRef) return causes;
  // Upstream gives the path of the field as the value; Go shows it as a path without exported fields.
  const { namespace, ...reference } = dataSourceRef;
  if (namespace) {
    causes.push(invalidValue(path, {}, 'may not be specified when dataSourceRef.namespace is specified'));
  } else if (!equal(dataSource, reference)) causes.push(invalidValue(path, {}, 'must match dataSourceRef'));
  return causes;
}

function referenceCauses(source: PersistentVolumeClaimSpec['dataSourceRef'], path: string): StatusCause[] {
  if (!source) return [];
  const causes: StatusCause[] = [];
  if (!source.name) causes.push(required(`${path}.name`));
  if (!source.kind) causes.push(required(`${path}.kind`));
  if (source.apiGroup) causes.push(...validateWith(`${path}.apiGroup`, source.apiGroup, isDNS1123Subdomain));
  else if (source.kind !== 'PersistentVolumeClaim') {
    causes.push(
      invalidValue(
        path,
        source.kind ?? '',
        "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
      ),
    );
  }
  if (source.namespace) causes.push(...validateWith(`${path}.namespace`, source.namespace, isDNS1123Label));
  return causes;
}

/** Source: Kubernetes 1.36, pkg/api/persistentvolumeclaim GetWarningsForPersistentVolumeClaimSpec. */
export function claimSpecWarnings(spec: PersistentVolumeClaimSpec | undefined, path: string): string[] {
  return (['requests', 'limits'] as const).flatMap((name) => {
    const size = spec?.resources?.[name]?.storage;
    if (size === undefined || quantityMilliValue(size) % 1000n === 0n) return [];
    return [
      `${path}.resources.${name}[storage]: fractional byte value ${JSON.stringify(size)} is invalid, must be an integer`,
    ];
  });
}
