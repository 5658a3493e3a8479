import { ANN_MIGRATED_PLUGINS, annotation, keyOf } from '../../../kube/index.ts';
import { ADD, type Interest, interest, sameJson, UPDATE, UPDATE_NODE_LABEL } from '../../cluster-events.ts';
import { volumeLimit } from './provisioning.ts';

/** What can help a pod whose volumes did not fit. (volumebinding, EventsToRegister) */
export const volumeBindingInterests: readonly Interest[] = [
  interest(
    'StorageClass',
    ADD | UPDATE,
    (_pod, before, after) =>
      before === undefined || !sameJson(before.allowedTopologies, after?.allowedTopologies),
  ),
  interest(
    'PersistentVolumeClaim',
    ADD | UPDATE,
    (pod, _before, claim) => claim !== undefined && pod.claims.some(({ key }) => key === keyOf(claim)),
  ),
  interest('PersistentVolume', ADD | UPDATE),
  interest('Node', ADD | UPDATE_NODE_LABEL),
  // By which drivers a node serves the volumes of in-tree plugins.
  interest('CSINode', ADD | UPDATE, (_pod, before, after) => {
    if (before === undefined || after === undefined) return true;
    return annotation(before, ANN_MIGRATED_PLUGINS) !== annotation(after, ANN_MIGRATED_PLUGINS);
  }),
  // A driver that no longer tracks capacity no longer lacks it.
  interest(
    'CSIDriver',
    UPDATE,
    (_pod, before, after) => before?.spec?.storageCapacity === true && !after?.spec?.storageCapacity,
  ),
  interest('CSIStorageCapacity', ADD | UPDATE, (_pod, before, after) => {
    if (before === undefined || after === undefined) return true;
    const [old, now] = [volumeLimit(before), volumeLimit(after)];
    return now !== undefined && (old === undefined || now > old);
  }),
];
