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
  const isShared = ({ name }: Part) => versions.every((version) => equal(version[name], first?.[name]));
  const own = parts.filter((part) => !isShared(part));
  return [
    ...versions.flatMap((version, index) => [
      ...validateDeprecation(version, `spec.versions[${index}]`),
      ...own.flatMap(({ name, check }) => check(version, `spec.versions[${index}].${name}`)),
    ]),
    ...parts.filter(isShared).flatMap(({ shared, check }) => (first ? check(first, `spec.${shared}`) : [])),
  ];
}
