import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import {
  keyOf,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  type Stored,
  type VolumePopulator,
  volumePopulators,
  volumeSnapshots,
} from '../../kube/index.ts';

const NAME = 'volume-data-source-validator';
const WORKERS = 10;

/** Whether anybody can fill a volume from what the claim's dataSourceRef names. Source: validateGroupKind. */
export function isRecognized(
  { spec }: PersistentVolumeClaim,
  populators: Iterable<VolumePopulator>,
): boolean {
  const source = spec?.dataSourceRef;
  if (!source) return true;
  const { apiGroup: group = '', kind } = source;
  if (group === '' && kind === persistentVolumeClaims.kind) return true;
  if (group === volumeSnapshots.group && kind === volumeSnapshots.kind) return true;
  return [...populators].some(({ sourceKind }) => sourceKind.group === group && sourceKind.kind === kind);
}

/** Tells of claims that nobody will ever fill. Source: kubernetes-csi/volume-data-source-validator. */
export function createDataSourceValidator(context: ComponentContext): Component {
  const { informers, clock, log } = context;
  const claims = informers.of(persistentVolumeClaims);
  const populators = informers.of(volumePopulators);
  const recorder = context.recorder(NAME);
  const queue = new Controller({
    name: NAME,
    clock,
    log,
    workers: WORKERS,
    async reconcile(key) {
      const claim = claims.byKey(key);
      if (!claim || isRecognized(claim, populators.values())) return;
      const message = 'The datasource for this PVC does not match any registered VolumePopulator';
      recorder.event(claim, 'Warning', 'UnrecognizedDataSourceKind', message);
    },
  });
  const look = (claim: Stored<PersistentVolumeClaim>) => {
    if (claim.spec?.dataSourceRef) queue.enqueue(keyOf(claim));
  };
  return {
    name: NAME,
    start: (signal) =>
      runControllers(signal, {
        informers: { claims, populators },
        listen: () => [claims.on({ added: look, updated: look })],
        loops: [queue],
      }),
  };
}
