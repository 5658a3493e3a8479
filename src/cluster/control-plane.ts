import type { Component, ComponentContext } from '../client/index.ts';
import { createAttachDetachController } from '../controllers/attach-detach/index.ts';
import { createGarbageCollector } from '../controllers/garbage-collector/index.ts';
import { createNamespaceController } from '../controllers/namespace/index.ts';
import { createPersistentVolumeController } from '../controllers/persistent-volume/index.ts';
import { createPodGc } from '../controllers/pod-gc/index.ts';
import { createProtectionControllers } from '../controllers/protection/index.ts';
import { createStatefulSetController } from '../controllers/stateful-set/index.ts';
import { createScheduler } from '../scheduler/index.ts';
import { createPluginRegistry } from '../volume/index.ts';
import { createCsiPlugin } from '../volume/plugins/csi/index.ts';

/** What kube-controller-manager and kube-scheduler are upstream, as far as storage needs them. */
export function controlPlane(context: ComponentContext): readonly Component[] {
  const plugins = createPluginRegistry([createCsiPlugin(context)]);
  return [
    createPersistentVolumeController(context),
    createProtectionControllers(context),
    createAttachDetachController(context, { plugins }),
    createStatefulSetController(context),
    createGarbageCollector(context),
    createPodGc(context),
    // There is one API server: once it has marked a namespace nothing gets into it any more.
    createNamespaceController(context, { gracePeriodMs: 0 }),
    createScheduler(context),
  ];
}
