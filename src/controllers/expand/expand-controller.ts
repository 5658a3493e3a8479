import { errorMessage, rfc3339 } from '../../base/index.ts';
import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import {
  ANN_PRE_RESIZE_CAPACITY,
  ANN_STORAGE_RESIZER,
  compareQuantity,
  keyOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
  volumeModeOf,
} from '../../kube/index.ts';
import {
  type ClaimStatusPatch,
  type ControlPlugin,
  type Expander,
  type PluginRegistry,
  specFromPersistentVolume,
} from '../../volume/index.ts';
import { driverOfPlugin, migratedPluginOf } from '../../volume/migration/index.ts';
import { expanderOf } from './expander-of.ts';
import { concernsExpansion, planExpansion } from './plan.ts';
import { fileSystemResizePending, resizeBegun, resizeFinished } from './resize-status.ts';

/** event.source.component, as upstream's. */
const COMPONENT = 'volume_expand';
const WORKERS = 10;

type Claim = Stored<PersistentVolumeClaim>;
type Volume = Stored<PersistentVolume>;

export interface ExpandControllerOptions {
  /** What grows volumes here. */
  readonly plugins: PluginRegistry<ControlPlugin>;
}

/**
 * Grows the volumes of in-tree plugins when their claims ask for more; of all others it only says that somebody outside
 * has to. Source: persistentvolume-expander-controller.
 */
export function createExpandController(
  context: ComponentContext,
  { plugins }: ExpandControllerOptions,
): Component {
  const { client, clock, log, informers } = context;
  const recorder = context.recorder(COMPONENT);
  const claims = informers.of(persistentVolumeClaims);

  /** Rejects when the claim has changed since it was read: what was decided on it may be wrong. */
  const patchStatus = (claim: Claim, status: ClaimStatusPatch, resizer?: string): Promise<Claim> => {
    const { namespace, name, resourceVersion } = claim.metadata;
    const annotations = resizer !== undefined && { annotations: { [ANN_STORAGE_RESIZER]: resizer } };
    const body = { metadata: { resourceVersion, ...annotations }, status };
    const options = { subresource: 'status' };
    return client.patch(persistentVolumeClaims, { namespace, name }, { type: 'merge', body }, options);
  };
  const patchVolume = ({ metadata }: Volume, body: object): Promise<Volume> =>
    client.patch(persistentVolumes, { name: metadata.name }, { type: 'merge', body });
  const noteOldSize = (volume: Volume, size: string | null | undefined) =>
    patchVolume(volume, { metadata: { annotations: { [ANN_PRE_RESIZE_CAPACITY]: size } } });

  const askNode = async (claim: Claim, volume: Volume): Promise<void> => {
    await patchStatus(claim, fileSystemResizePending(claim, rfc3339(clock.now())));
    // Should the claim go before the node is done, the next one of the volume must know.
    if (volume.metadata.annotations?.[ANN_PRE_RESIZE_CAPACITY] === undefined) {
      await noteOldSize(volume, claim.status?.capacity?.storage ?? '0');
    }
  };

  const expand = async (
    given: Claim,
    old: Volume,
    { name, expander, newSize }: { name: string; expander: Expander; newSize: string },
    signal: AbortSignal,
  ): Promise<void> => {
    const key = keyOf(given);
    const step = async <T>(failure: string, work: Promise<T>): Promise<T> => {
      try {
        return await work;
      } catch (error) {
        throw new Error(`${failure}: ${errorMessage(error)}`, { cause: error });
      }
    };
    const claim = await step(
      `error updating pvc ${key} with resize in progress`,
      patchStatus(given, resizeBegun(given, newSize, rfc3339(clock.now())), name),
    );
    const size = await step(
      `error expanding pvc ${key}`,
      expander.expand(
        specFromPersistentVolume(old, false),
        newSize,
        given.status?.capacity?.storage ?? '0',
        signal,
      ),
    );
    const body = { spec: { capacity: { storage: size } } };
    const volume = await step(`error updating pv for pvc ${key}`, patchVolume(old, body));
    if (expander.requiresFileSystemExpansion && volumeModeOf(volume) === 'Filesystem') {
      await step(`error marking pvc ${key} for node expansion`, askNode(claim, volume));
    } else {
      const done = patchStatus(claim, resizeFinished(claim, size));
      await step(`error marking pvc ${key} as resized`, done);
      recorder.event(claim, 'Normal', 'VolumeResizeSuccessful', `ExpandVolume succeeded for volume ${key}`);
    }
  };

  /** The driver that took over from an in-tree plugin hears of the claim by its annotation. */
  const handOver = async (claim: Claim, plugin: string): Promise<void> => {
    const key = keyOf(claim);
    const waiting = `CSI migration enabled for ${plugin}; waiting for external resizer to expand the pvc`;
    recorder.event(claim, 'Normal', 'ExternalExpanding', waiting);
    const resizer = driverOfPlugin(plugin);
    if (claim.metadata.annotations?.[ANN_STORAGE_RESIZER] === resizer) return;
    try {
      await patchStatus(claim, {}, resizer);
    } catch (error) {
      const failed = `error setting resizer annotation to pvc ${key}, with error ${errorMessage(error)}`;
      recorder.event(claim, 'Warning', 'ExternalExpanding', failed);
      throw new Error(failed, { cause: error });
    }
  };

  const carryOut = async (claim: Claim, volume: Volume, signal: AbortSignal): Promise<void> => {
    const migrated = migratedPluginOf(volume);
    if (migrated) return handOver(claim, migrated);
    let found: ReturnType<typeof expanderOf>;
    try {
      found = expanderOf(plugins, volume);
    } catch {
      return recorder.event(claim, 'Warning', 'ExternalExpanding', WAITING_FOR_OTHERS);
    }
    if (!found) return recorder.event(claim, 'Normal', 'ExternalExpanding', WAITING_FOR_OTHERS);
    const plan = planExpansion(claim, volume);
    switch (plan.action) {
      case 'nothing':
        return;
      case 'forgetOldSize':
        await noteOldSize(volume, null);
        return;
      case 'askNode':
        return askNode(claim, volume);
      case 'expand':
        return expand(claim, volume, { ...found, newSize: plan.newSize }, signal);
    }
  };

  const controller = new Controller({
    name: COMPONENT,
    clock,
    log,
    workers: WORKERS,
    async reconcile(key, signal) {
      const claim = claims.byKey(key);
      if (!claim) return;
      const volume = await client.get(persistentVolumes, { name: claim.spec?.volumeName ?? '' });
      if (volume.spec?.claimRef?.uid !== claim.metadata.uid) {
        throw new Error(`persistent Volume is not bound to PVC being updated : ${key}`);
      }
      if (!concernsExpansion(claim, volume)) return;
      try {
        await carryOut(claim, volume, signal);
      } catch (error) {
        recorder.event(claim, 'Warning', 'VolumeResizeFailed', errorMessage(error));
        throw error;
      }
    },
  });

  const lookAt = (claim: Claim) => {
    if (claim.status?.phase === 'Bound' && claim.spec?.volumeName) controller.enqueue(keyOf(claim));
  };
  return {
    name: COMPONENT,
    start: (signal) =>
      runControllers(signal, {
        informers: { claims },
        listen: () => [
          claims.on({
            added: lookAt,
            updated(claim, previous) {
              if (hasGrown(claim, previous)) lookAt(claim);
            },
          }),
        ],
        loops: [controller],
      }),
  };
}

const WAITING_FOR_OTHERS = 'waiting for an external controller to expand this PVC';

/** More is asked for, or the node has made it so large. */
function hasGrown(claim: PersistentVolumeClaim, previous: PersistentVolumeClaim): boolean {
  const [now, before] = [claim, previous].map(({ spec, status }) => ({
    asked: spec?.resources?.requests?.storage,
    has: status?.capacity?.storage,
  }));
  return compareQuantity(now?.asked, before?.asked) > 0 || compareQuantity(now?.has, before?.has) > 0;
}
