import type { StatusCause } from '../../../kube/index.ts';
import { equal } from '../../registry/validation/index.ts';
import type { CrdSpec, CrdVersion } from '../types.ts';
import {
  validateColumns,
  validateDeprecation,
  validateSchemaPart,
  validateSelectableFields,
  validateSubresources,
} from './version.ts';

/** A part of a version that upstream keeps once for all when it is the same in all, and then speaks of as one. */
interface Part {
  readonly name: keyof CrdVersion;
  /** What the field is called where all versions share it. */
  readonly shared: string;
  check(version: CrdVersion, path: string): StatusCause[];
}

const hasStatus = ({ subresources }: CrdVersion): boolean => subresources?.status !== undefined;

const SHARED_SCHEMA = 'spec.validation';

/** The rules of all versions; `previous` is the definition that is stored. */
export function validateVersions(versions: readonly CrdVersion[], previous?: CrdSpec): StatusCause[] {
  const parts: readonly Part[] = [
    {
      name: 'schema',
      shared: 'validation',
      check: (version, path) => {
        const stored = previous?.versions.find(({ name }) => name === version.name);
        return validateSchemaPart(
          {
            version,
            hasStatus: path === SHARED_SCHEMA ? versions.some(hasStatus) : hasStatus(version),
            previous: stored?.schema?.openAPIV3Schema,
          },
          path,
        );
      },
    },
    { name: 'subresources', shared: 'subresources', check: validateSubresources },
    { name: 'additionalPrinterColumns', shared: 'additionalPrinterColumns', check: validateColumns },
    { name: 'selectableFields', shared: 'selectableFields', check: validateSelectableFields },
  ];
  const [first] = versions;
  const isShared = ({ name }: Part) => isSame(versions, name);
  const own = parts.filter((part) => !isShared(part));
  return [
    ...versions.flatMap((version, index) => [
      ...validateDeprecation(version, `spec.versions[${index}]`),
      ...own.flatMap(({ name, check }) => check(version, `spec.versions[${index}].${name}`)),
    ]),
    ...parts.filter(isShared).flatMap(({ shared, check }) => (first ? check(first, `spec.${shared}`) : [])),
  ];
}

function isSame(versions: readonly CrdVersion[], name: keyof CrdVersion): boolean {
  return versions.every((version) => equal(version[name], versions[0]?.[name]));
}

/** The versions as Go's encoder writes the internal ones, where a part that all share is kept elsewhere. */
export function goVersions(versions: readonly CrdVersion[]): object[] {
  const part = (version: CrdVersion, name: keyof CrdVersion) =>
    isSame(versions, name) ? null : (version[name] ?? null);
  return versions.map((version) => ({
    Name: version.name,
    Served: version.served,
    Storage: version.storage,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: part(version, 'schema'),
    Subresources: part(version, 'subresources'),
    AdditionalPrinterColumns: part(version, 'additionalPrinterColumns'),
    SelectableFields: part(version, 'selectableFields'),
  }));
}
