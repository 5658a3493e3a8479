/** A version as drivers report it: `1.0.0`, `v1.2`. */
export interface Version {
  readonly parts: readonly number[];
  readonly text: string;
}

function parse(text: string): Version | undefined {
  const match = /^v?(\d+(?:\.\d+)+)/.exec(text);
  return match ? { parts: match[1]!.split('.').map(Number), text } : undefined;
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
 * @throws Error if there is none. Source: HighestSupportedVersion and validateVersions of the kubelet's CSI plugin.
 */
export function highestSupportedVersion(versions: readonly string[]): Version {
  let highest: Version | undefined;
  for (const text of versions) {
    const version = parse(text);
    if (!version || version.parts[0]! > 1) continue;
    if (!highest || compareVersions(highest, version) < 0) highest = version;
  }
  const listed = `[${versions.join(' ')}]`;
  if (!highest) {
    throw new Error(
      `could not find a highest supported version from versions ${listed} reported by this driver`,
    );
  }
  if (highest.parts[0] !== 1) {
    throw new Error(`highest supported version reported by this driver is ${highest.text}, must be v1`);
  }
  return highest;
}
