import type { Container, StatusCause, Volume } from '../../../kube/index.ts';
import {
  at,
  invalidValue,
  isConfigKey,
  isDNS1123Label,
  isDNS1123Subdomain,
  notFoundValue,
  required,
  validateWith,
} from '../validation/index.ts';
import { ENVIRONMENT_FIELDS, fieldRefCauses, resourceFieldRefCauses } from './downward-validation.ts';
import { noBackstepCauses } from './volume-source-rules.ts';

// The environment of a container. Source: Kubernetes 1.36, pkg/apis/core/validation ValidateEnv, ValidateEnvFrom.

type Variable = NonNullable<Container['env']>[number];
type ValueFrom = NonNullable<Variable['valueFrom']>;
type EnvFrom = NonNullable<Container['envFrom']>[number];

function isVariableName(name: string): readonly string[] {
  return /^[ -<>-~]*$/.test(name)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function envCauses(variables: readonly Variable[] = [], path: string): StatusCause[] {
  return variables.flatMap(({ name, value, valueFrom }, index) => {
    const here = at(path, index);
    return [
      ...(name ? validateWith(`${here}.name`, name, isVariableName) : [required(`${here}.name`)]),
      ...(valueFrom ? valueFromCauses(valueFrom, Boolean(value), `${here}.valueFrom`) : []),
    ];
  });
}

interface KeyRef {
  readonly name?: string;
  readonly key?: string;
}

function keyRefCauses({ name = '', key }: KeyRef, path: string): StatusCause[] {
  return [
    ...validateWith(`${path}.name`, name, isDNS1123Subdomain),
    ...(key ? validateWith(`${path}.key`, key, isConfigKey) : [required(`${path}.key`)]),
  ];
}

type FileRef = NonNullable<ValueFrom['fileKeyRef']>;

function fileRefCauses({ key, volumeName, path: file }: FileRef, path: string): StatusCause[] {
  return [
    ...(key ? validateWith(`${path}.key`, key, isVariableName) : [required(`${path}.key`)]),
    ...(volumeName
      ? validateWith(`${path}.volumeName`, volumeName, isDNS1123Label)
      : [required(`${path}.volumeName`)]),
    ...(file ? noBackstepCauses(`${path}.path`, file) : [required(`${path}.path`)]),
  ];
}

/** In upstream's order. */
const SOURCES: {
  readonly [S in keyof ValueFrom]-?: (source: NonNullable<ValueFrom[S]>, path: string) => StatusCause[];
} = {
  fieldRef: (source, path) => fieldRefCauses(source, ENVIRONMENT_FIELDS, path),
  resourceFieldRef: (source, path) => resourceFieldRefCauses(source, path, false),
  configMapKeyRef: keyRefCauses,
  secretKeyRef: keyRefCauses,
  fileKeyRef: fileRefCauses,
};

function valueFromCauses(from: ValueFrom, hasValue: boolean, path: string): StatusCause[] {
  const names = (Object.keys(SOURCES) as (keyof ValueFrom)[]).filter((name) => from[name] !== undefined);
  const causes = names.flatMap((name) => {
    const check = SOURCES[name] as (source: unknown, path: string) => StatusCause[];
    return check(from[name], `${path}.${name}`);
  });
  const all =
    'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
  if (names.length === 0) causes.push(invalidValue(path, '', all));
  else if (hasValue) causes.push(invalidValue(path, '', 'may not be specified when `value` is not empty'));
  else if (names.length > 1)
    causes.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
  return causes;
}

/** Of how many sources there are upstream speaks at the list. */
export function envFromCauses(sources: readonly EnvFrom[] = [], path: string): StatusCause[] {
  return sources.flatMap(({ prefix, configMapRef, secretRef }, index) => {
    const here = at(path, index);
    const causes = prefix ? validateWith(`${here}.prefix`, prefix, isVariableName) : [];
    for (const [field, ref] of Object.entries({ configMapRef, secretRef })) {
      if (!ref) continue;
      const name = `${here}.${field}.name`;
      causes.push(...(ref.name ? validateWith(name, ref.name, isDNS1123Subdomain) : [required(name)]));
    }
    if (!configMapRef && !secretRef)
      causes.push(invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (configMapRef && secretRef)
      causes.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
    return causes;
  });
}

/** A file that variables come from lies in an emptyDir of the pod. */
export function fileRefVolumeCauses(
  { env = [] }: Container,
  volumes: readonly Volume[],
  path: string,
): StatusCause[] {
  return env.flatMap(({ valueFrom }, index) => {
    if (!valueFrom?.fileKeyRef) return [];
    const { volumeName = '' } = valueFrom.fileKeyRef;
    const here = `${at(`${path}.env`, index)}.valueFrom.fileKeyRef.volumeName`;
    const volume = volumes.find(({ name }) => name === volumeName);
    if (!volume) return [notFoundValue(here, volumeName)];
    return volume.emptyDir
      ? []
      : [invalidValue(here, volumeName, 'referenced volume must be of type emptyDir')];
  });
}
