import {
  type Component,
  type ComponentContext,
  Controller,
  ignoreNotFound,
  runControllers,
} from '../../client/index.ts';
import {
  attributesClassNames,
  FINALIZER_VAC_PROTECTION,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
  type VolumeAttributesClass,
  volumeAttributesClasses,
  withFinalizer,
  withoutFinalizer,
} from '../../kube/index.ts';
import { mayGo, mustBeProtected } from './protection.ts';

const NAME = 'volumeattributesclass-protection-controller';
const BY_CLASS = 'by-volume-attributes-class';

/** Keeps an attributes class that is being deleted while a claim or a volume has it. Source: vacprotection. */
export function createAttributesClassProtection(context: ComponentContext): Component {
  const { client, clock, log, informers } = context;
  const classes = informers.of(volumeAttributesClasses);
  const claims = informers.of(persistentVolumeClaims).addIndex(BY_CLASS, attributesClassNames);
  const volumes = informers.of(persistentVolumes).addIndex(BY_CLASS, classOfVolume);
  const isUsed = (name: string) =>
    volumes.byIndex(BY_CLASS, name).length > 0 || claims.byIndex(BY_CLASS, name).length > 0;
  const controller = new Controller({
    name: NAME,
    clock,
    log,
    async reconcile(name) {
      const one = classes.byKey(name);
      if (!one) return;
      if (mayGo(one, FINALIZER_VAC_PROTECTION)) {
        if (isUsed(name)) return;
        const freed = withoutFinalizer(one, FINALIZER_VAC_PROTECTION);
        await ignoreNotFound(client.update(volumeAttributesClasses, freed));
      } else if (mustBeProtected(one, FINALIZER_VAC_PROTECTION)) {
        await client.update(volumeAttributesClasses, withFinalizer(one, FINALIZER_VAC_PROTECTION));
      }
    },
  });
  const lookAt = (one: Stored<VolumeAttributesClass>) => {
    if (mayGo(one, FINALIZER_VAC_PROTECTION) || mustBeProtected(one, FINALIZER_VAC_PROTECTION))
      controller.enqueue(one.metadata.name);
  };
  /** What let go of a class may have been the last. */
  const lookAtClasses = (names: readonly string[]) => {
    for (const name of names) {
      const one = classes.byKey(name);
      if (one) lookAt(one);
    }
  };
  const ofClaim = (claim: PersistentVolumeClaim) => lookAtClasses(attributesClassNames(claim));
  const ofVolume = (volume: PersistentVolume) => lookAtClasses(classOfVolume(volume));
  return {
    name: NAME,
    start: (signal) =>
      runControllers(signal, {
        informers: { classes, claims, volumes },
        listen: () => [
          classes.on({ added: lookAt, updated: lookAt }),
          claims.on({ updated: (_, previous) => ofClaim(previous), deleted: ofClaim }),
          volumes.on({ updated: (_, previous) => ofVolume(previous), deleted: ofVolume }),
        ],
        loops: [controller],
      }),
  };
}

function classOfVolume({ spec }: PersistentVolume): readonly string[] {
  return spec?.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [];
}
