// Grammar of image references: distribution/reference, as upstream reads them with Docker's short names made whole.
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const DOMAIN =
  '(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?';
const REFERENCE = new RegExp(
  `^((?:${DOMAIN}/)?${COMPONENT}(?:/${COMPONENT})*)(?::([\\w][\\w.-]{0,127}))?(@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);
const ID = /^[a-f0-9]{64}$/;
/** Of the path below the registry. */
const LONGEST_PATH = 255;
/** More than any reference has: a registry, a path, a tag and a digest. */
const LONGEST_REFERENCE = 1024;
const LIBRARY = 'library/';

/** The tag that an image's reference means: `latest` where it names neither tag nor digest; none of what is no reference. */
export function imageTag(reference: string): string | undefined {
  if (reference.length > LONGEST_REFERENCE || ID.test(reference)) return undefined;
  const [, name, tag, digest] = REFERENCE.exec(reference) ?? [];
  if (name === undefined || pathLength(name) > LONGEST_PATH) return undefined;
  return tag ?? (digest ? undefined : 'latest');
}

/** Without the registry; a name alone is in the library of the default one. */
function pathLength(name: string): number {
  const [first = '', ...rest] = name.split('/');
  if (rest.length === 0) return LIBRARY.length + name.length;
  const isRegistry = /[.:A-Z]/.test(first) || first === 'localhost';
  return isRegistry ? rest.join('/').length : name.length;
}
