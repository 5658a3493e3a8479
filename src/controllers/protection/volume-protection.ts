import {
  type Component,
  type ComponentContext,
  Controller,
  ignoreNotFound,
  runControllers,
} from '../../client/index.ts';
import {
  FINALIZER_PV_PROTECTION,
  type PersistentVolume,
  persistentVolumes,
  type Stored,
  withFinalizer,
  withoutFinalizer,
} from '../../kube/index.ts';
import { mayGo, mustBeProtected } from './protection.ts';

const NAME = 'persistentvolume-protection-controller';

/** Keeps a volume that is being deleted while it is Bound to a claim. Source: pvprotection. */
export function createVolumeProtection(context: ComponentContext): Component {
  const { client, clock, log, informers } = context;
  const volumeInformer = informers.of(persistentVolumes);
  const controller = new Controller({
    name: NAME,
    clock,
    log,
    workers: 16,
    async reconcile(name) {
      const volume = volumeInformer.byKey(name);
      if (!volume) return;
      if (mayGo(volume, FINALIZER_PV_PROTECTION)) {
        if (volume.status?.phase === 'Bound') return;
        await ignoreNotFound(
          client.update(persistentVolumes, withoutFinalizer(volume, FINALIZER_PV_PROTECTION)),
        );
      } else if (mustBeProtected(volume, FINALIZER_PV_PROTECTION)) {
        await client.update(persistentVolumes, withFinalizer(volume, FINALIZER_PV_PROTECTION));
      }
    },
  });
  const lookAt = (volume: Stored<PersistentVolume>) => {
    if (mayGo(volume, FINALIZER_PV_PROTECTION) || mustBeProtected(volume, FINALIZER_PV_PROTECTION)) {
      controller.enqueue(volume.metadata.name);
    }
  };
  return {
    name: NAME,
    start: (signal) =>
      runControllers(signal, {
        informers: { volumeInformer },
        listen: () => [volumeInformer.on({ added: lookAt, updated: lookAt })],
        loops: [controller],
      }),
  };
}
