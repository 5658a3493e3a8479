/** A version as drivers report it: `1.0.0`, `v1.2`. */
export interface Version {
  readonly parts: readonly number[];
  /** Its numbers: what came before and after them is left out. */
  readonly text: string;
}

/** At least two numbers, after which anything may come (ParseGeneric). @throws Error */
function parse(text: string): Version {
  const numbers = /^\s*v?(\d+(?:\.\d+)*)/.exec(text)?.[1];
  if (numbers === undefined) throw new Error(`could not parse ${JSON.stringify(text)} as version`);
  const parts = numbers.split('.');
  if (parts.length < 2) throw new Error(`illegal version string ${JSON.stringify(text)}`);
  // Of the first alone a leading zero would be taken for an octal number.
  if (/^0\d/.test(parts[0]!)) {
    const quoted = `${JSON.stringify(parts[0])} in ${JSON.stringify(text)}`;
    throw new Error(`illegal zero-prefixed version component ${quoted}`);
  }
  return { parts: parts.map(Number), text: numbers };
}

export function compareVersions(a: Version, b: Version): number {
  for (let i = 0; i < Math.max(a.parts.length, b.parts.length); i++) {
    const difference = (a.parts[i] ?? 0) - (b.parts[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The highest version that this node can talk to: any 1.x. A driver may offer 2.x besides.
 * @throws Error if there is none. Source: HighestSupportedVersion of k8s.io/apimachinery/pkg/util/version.
 */
export function highestSupportedVersion(versions: readonly string[]): Version {
  if (versions.length === 0) throw new Error('empty array for supported versions');
  let highest: Version | undefined;
  let illegible = '<nil>';
  for (const text of versions.toReversed()) {
    try {
      const version = parse(text);
      if (version.parts[0]! > 1) continue;
      if (!highest || compareVersions(highest, version) < 0) highest = version;
    } catch (error) {
      illegible = (error as Error).message;
    }
  }
  if (!highest) {
    const listed = `([${versions.join(' ')}])`;
    throw new Error(
      `could not find a highest supported version from versions ${listed} reported: ${illegible}`,
    );
  }
  if (highest.parts[0] !== 1)
    throw new Error(`highest supported version reported is ${highest.text}, must be v1.x`);
  return highest;
}

/**
 * The version to talk in with a driver that wants to register.
 * @param registered of the driver that has this name already.
 * @throws Error in upstream's words. Source: validateVersions of pkg/volume/csi.
 */
export function negotiatedVersion(
  driver: string,
  versions: readonly string[],
  registered: Version | undefined,
): Version {
  const refused = (why: string) =>
    new Error(`kubernetes.io/csi: ValidatePlugin for CSI driver ${JSON.stringify(driver)} failed. ${why}`);
  if (versions.length === 0) throw refused('Plugin returned an empty list for supported versions');
  let version: Version;
  try {
    version = highestSupportedVersion(versions);
  } catch (error) {
    const listed = `[${versions.map((each) => JSON.stringify(each)).join(' ')}]`;
    throw refused(`None of the versions specified ${listed} are supported. err=${(error as Error).message}`);
  }
  if (registered && compareVersions(registered, version) >= 0)
    throw refused(
      `Another driver with the same name is already registered with a higher supported version: ${JSON.stringify(registered.text)}`,
    );
  return version;
}
