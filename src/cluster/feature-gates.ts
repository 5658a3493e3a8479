/** Upstream's gates of what is here as an option, with upstream's defaults in 1.36. */
const GATES = {
  /** Pods are told of volumes whose drivers say that they are not well (alpha). */
  CSIVolumeHealth: false,
  /** The condition Unused on claims (alpha). */
  PersistentVolumeClaimUnusedSinceTime: false,
  /** What happens to volumes whose pods differ in their SELinux labels is told beforehand (beta). */
  SELinuxChangePolicy: true,
  /** The scheduler prefers nodes where more storage stays free (alpha). */
  StorageCapacityScoring: false,
  /** The scheduler keeps pods off nodes that lack a driver which asks for it (alpha). */
  VolumeLimitScaling: false,
};

export type FeatureGate = keyof typeof GATES;
/** Those that are not as upstream has them. */
export type FeatureGates = Readonly<Partial<Record<FeatureGate, boolean>>>;

export const FEATURE_GATES = Object.keys(GATES) as readonly FeatureGate[];

export function isEnabled(gates: FeatureGates, gate: FeatureGate): boolean {
  return gates[gate] ?? GATES[gate];
}

/** The spellings that strconv.ParseBool takes. */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false])),
};

/**
 * Adds what one `--feature-gates NAME=true,NAME2=false` says to what those before it said.
 * @throws Error in upstream's words. Source: featureGate.Set, which only warns of a gate that it does not know.
 */
export function addFeatureGates(text: string, before: FeatureGates = {}): FeatureGates {
  const gates: Partial<Record<FeatureGate, boolean>> = { ...before };
  for (const pair of text.split(',').filter(Boolean)) {
    const equals = pair.indexOf('=');
    const name = (equals < 0 ? pair : pair.slice(0, equals)).trim();
    if (equals < 0) throw new Error(`missing bool value for ${name}`);
    const value = pair.slice(equals + 1).trim();
    if (!Object.hasOwn(BOOLEANS, value)) {
      const why = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
      throw new Error(`invalid value of ${name}=${value}, err: ${why}`);
    }
    if (!isGate(name)) throw new Error(`unrecognized feature gate: ${name}`);
    gates[name] = BOOLEANS[value];
  }
  return gates;
}

function isGate(name: string): name is FeatureGate {
  return Object.hasOwn(GATES, name);
}
