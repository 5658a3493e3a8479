import type { Pod, StatusCause, Stored } from '../../../kube/index.ts';
import type { UpdatableSubresource } from '../contract.ts';
import { equal, forbiddenField } from '../validation/index.ts';
import { unifiedDiff } from '../validation/unified-diff.ts';
import { goForm } from './go-form.ts';
import { validatePod } from './pod-validation.ts';

/** What the kubelet marks a pod with that it runs from a file. */
const MIRROR = 'kubernetes.io/config.mirror';

/** Through this containers join a running pod (kubectl debug): pods/ephemeralcontainers. */
export const ephemeralContainers: UpdatableSubresource<Pod> = { take, validate };

/** Nothing else of the pod may be changed here. */
function take(next: Pod, previous: Stored<Pod>): Pod {
  const { ephemeralContainers: _, ...spec } = previous.spec!;
  const asked = next.spec?.ephemeralContainers;
  const { labels, annotations, finalizers, ownerReferences } = previous.metadata;
  return {
    ...next,
    metadata: { ...next.metadata, labels, annotations, finalizers, ownerReferences },
    spec: asked ? { ...spec, ephemeralContainers: asked } : spec,
    status: previous.status,
  };
}

/** They can be added, and stay as they are (ValidatePodEphemeralContainersUpdate). */
function validate(next: Pod, previous: Stored<Pod>): StatusCause[] {
  if (previous.metadata.annotations?.[MIRROR] !== undefined)
    return [forbiddenField('', 'static pods do not support ephemeral containers')];
  const path = 'spec.ephemeralContainers';
  const byName = new Map(next.spec?.ephemeralContainers?.map((one) => [one.name, one]));
  return [
    ...validatePod(next.spec, next.metadata?.name),
    ...(previous.spec?.ephemeralContainers ?? []).flatMap((old) => {
      const now = byName.get(old.name);
      const which = `existing ephemeral containers ${JSON.stringify(old.name)}`;
      if (!now) return [forbiddenField(path, `${which} may not be removed\n`)];
      if (equal(now, old)) return [];
      const [before, after] = [old, now].map((one) => goForm('EphemeralContainer', one));
      return [forbiddenField(path, `${which} may not be changed\n${unifiedDiff(before, after)}`)];
    }),
  ];
}
