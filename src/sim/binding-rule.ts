import type { KubeObject, PersistentVolume, PersistentVolumeClaim, Stored } from '../kube/index.ts';
import type { Mirror } from './api/mirror.ts';
import type { Violation } from './violation.ts';

/** A volume is bound to one claim at most, and both agree; no bound volume goes. */
export function bindingViolation(
  volumes: Mirror<PersistentVolume>,
  claims: Mirror<PersistentVolumeClaim>,
): Violation | undefined {
  const holders = new Map<string, Stored<PersistentVolumeClaim>>();
  for (const claim of claims.values()) {
    if (claim.status?.phase !== 'Bound') continue;
    const name = claim.spec?.volumeName ?? '';
    const other = holders.get(name);
    if (other)
      return {
        rule: 'one claim a volume',
        detail: `${name} is bound to ${nameOf(other)} and ${nameOf(claim)}`,
      };
    holders.set(name, claim);
    const volume = volumes.get(name);
    if (!volume)
      return {
        rule: 'no bound volume goes',
        detail: `claim ${nameOf(claim)} is bound to ${name}, which is gone`,
      };
    const reference = volume.spec?.claimRef;
    if (reference?.uid !== claim.metadata.uid)
      return {
        rule: 'claim and volume agree',
        detail: `claim ${nameOf(claim)} is bound to ${name}, which names ${reference?.name ?? 'nobody'}`,
      };
  }
  return undefined;
}

function nameOf(object: KubeObject): string {
  return `${object.metadata?.namespace}/${object.metadata?.name}`;
}
