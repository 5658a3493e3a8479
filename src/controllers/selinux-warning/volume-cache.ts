import { labelsConflict } from './label.ts';

/** How a pod uses a volume. */
export interface VolumeUse {
  /** '' when the volume is not mounted with a label. */
  readonly label: string;
  readonly changePolicy: string;
}

/** Of two pods that use one volume, as the first of them is told. */
export interface Conflict {
  readonly property: 'SELinuxChangePolicy' | 'SELinuxLabel';
  /** `namespace/name`. */
  readonly pod: string;
  readonly value: string;
  readonly otherPod: string;
  readonly otherValue: string;
}

interface UsedVolume {
  readonly csiDriver: string | undefined;
  readonly pods: Map<string, VolumeUse>;
}

/** Which pods use which volumes, and how. Source: volumeCache of upstream's selinuxwarning controller. */
export class VolumeCache {
  readonly #volumes = new Map<string, UsedVolume>();
  readonly #volumesOf = new Map<string, Set<string>>();
  /** Those that there are now, by volume. */
  readonly #conflicts = new Map<string, readonly Conflict[]>();

  /** Takes note of a use; gives the conflicts that it makes, each for both pods. None when it was known. */
  add(volumeName: string, pod: string, use: VolumeUse, csiDriver?: string): readonly Conflict[] {
    let volume = this.#volumes.get(volumeName);
    if (!volume) {
      volume = { csiDriver, pods: new Map() };
      this.#volumes.set(volumeName, volume);
    }
    const known = volume.pods.get(pod);
    if (known?.label === use.label && known.changePolicy === use.changePolicy) return [];
    volume.pods.set(pod, use);
    const volumes = this.#volumesOf.get(pod) ?? new Set();
    this.#volumesOf.set(pod, volumes.add(volumeName));
    const found = [...volume.pods].flatMap(([other, otherUse]) => conflictsOf(pod, use, other, otherUse));
    this.#setConflicts(volumeName, [...this.#conflictsWithout(volumeName, pod), ...found]);
    return found;
  }

  deletePod(pod: string): void {
    for (const name of this.#volumesOf.get(pod) ?? []) {
      this.#setConflicts(name, this.#conflictsWithout(name, pod));
      const volume = this.#volumes.get(name);
      volume?.pods.delete(pod);
      if (volume?.pods.size === 0) this.#volumes.delete(name);
    }
    this.#volumesOf.delete(pod);
  }

  /** All that there are now, both ways. Pods that differ in several volumes are told of once. */
  conflicts(): readonly Conflict[] {
    const all = [...this.#conflicts.values()].flat();
    return [...new Map(all.map((conflict) => [JSON.stringify(conflict), conflict])).values()];
  }

  #conflictsWithout(volumeName: string, pod: string): readonly Conflict[] {
    const known = this.#conflicts.get(volumeName) ?? [];
    return known.filter((conflict) => conflict.pod !== pod && conflict.otherPod !== pod);
  }

  #setConflicts(volumeName: string, conflicts: readonly Conflict[]): void {
    if (conflicts.length === 0) this.#conflicts.delete(volumeName);
    else this.#conflicts.set(volumeName, conflicts);
  }

  podsOfDriver(driver: string): readonly string[] {
    return [...this.#volumes.values()]
      .filter(({ csiDriver }) => csiDriver === driver)
      .flatMap(({ pods }) => [...pods.keys()]);
  }
}

function conflictsOf(pod: string, use: VolumeUse, otherPod: string, other: VolumeUse): readonly Conflict[] {
  const both = (property: Conflict['property'], value: string, otherValue: string): readonly Conflict[] => [
    { property, pod, value, otherPod, otherValue },
    { property, pod: otherPod, value: otherValue, otherPod: pod, otherValue: value },
  ];
  return [
    ...(use.changePolicy === other.changePolicy
      ? []
      : both('SELinuxChangePolicy', use.changePolicy, other.changePolicy)),
    ...(labelsConflict(use.label, other.label) ? both('SELinuxLabel', use.label, other.label) : []),
  ];
}

/** What the pod is told; nothing of pods in other namespaces. Source: Conflict.EventMessage, its missing space included. */
export function conflictMessage({ property, pod, value, otherPod, otherValue }: Conflict): string {
  const [namespace] = pod.split('/');
  const [otherNamespace, otherName] = otherPod.split('/');
  const end = 'If both pods land on the same node, only one of them may access the volume.';
  return namespace === otherNamespace
    ? `${property} "${value}" conflicts with pod ${otherName} that uses the same volume as this pod with ${property} "${otherValue}". ${end}`
    : `${property}"${value}" conflicts with another pod that uses the same volume as this pod with a different ${property}. ${end}`;
}
