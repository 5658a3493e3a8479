/** Parameters of a StorageClass that are for the sidecars, not for the driver. */
export const PREFIX = 'csi.storage.k8s.io/';
const FS_TYPE = `${PREFIX}fstype`;

/** What a secret is for, as it appears in `csi.storage.k8s.io/PURPOSE-secret-name`. */
export const SECRET_PURPOSES = [
  'provisioner',
  'controller-publish',
  'node-stage',
  'node-publish',
  'controller-expand',
  'node-expand',
  'controller-modify',
] as const;
export type SecretPurpose = (typeof SECRET_PURPOSES)[number];

const KNOWN: ReadonlySet<string> = new Set([
  FS_TYPE,
  `${PREFIX}secret-name`,
  `${PREFIX}secret-namespace`,
  ...SECRET_PURPOSES.flatMap((purpose) => [
    `${PREFIX}${purpose}-secret-name`,
    `${PREFIX}${purpose}-secret-namespace`,
  ]),
]);

export type Parameters = Readonly<Record<string, string>>;

/**
 * What the driver gets: everything without the reserved prefix.
 * @throws Error for a key that has the prefix and is not known.
 */
export function driverParameters(parameters: Parameters): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(parameters)) {
    if (!key.startsWith(PREFIX)) kept[key] = value;
    else if (!KNOWN.has(key)) {
      throw new Error(
        `failed to strip CSI Parameters of prefixed keys: found unknown parameter key "${key}" with reserved namespace ${PREFIX}`,
      );
    }
  }
  return kept;
}

/**
 * The file system that the class asks for, else the default. The old key `fstype`, in any case of its letters, counts
 * and still goes to the driver.
 * @throws Error when the class asks twice.
 */
export function fsTypeOf(parameters: Parameters, defaultFsType: string): string {
  const found = Object.entries(parameters).filter(
    ([key]) => key === FS_TYPE || key.toLowerCase() === 'fstype',
  );
  if (found.length > 1) {
    throw new Error(`fstype specified in parameters with both "fstype" and "${FS_TYPE}" keys`);
  }
  return found[0]?.[1] || defaultFsType;
}
