import type { Check } from '../check.ts';
import { argumentChecks } from './arguments.ts';
import { capacityChecks } from './capacity.ts';
import { createVolumeChecks } from './create-volume.ts';
import { deleteVolumeChecks } from './delete-volume.ts';
import { expansionChecks } from './expansion.ts';
import { groupChecks } from './groups.ts';
import { identityChecks } from './identity.ts';
import { listSnapshotsChecks } from './list-snapshots.ts';
import { listVolumesChecks } from './list-volumes.ts';
import { modifyChecks } from './modify.ts';
import { nodePublishChecks } from './node-publish.ts';
import { nodeStageChecks } from './node-stage.ts';
import { publishChecks } from './publish.ts';
import { restartChecks } from './restart.ts';
import { snapshotDataChecks } from './snapshot-data.ts';
import { snapshotMetadataChecks } from './snapshot-metadata.ts';
import { snapshotChecks } from './snapshots.ts';
import { statsChecks } from './stats.ts';
import { topologyChecks } from './topology.ts';
import { validateChecks } from './validate.ts';

/** Every check, in the order in which they are made: the simple before what builds on it. */
export const CHECKS: readonly Check[] = [
  ...identityChecks,
  ...argumentChecks,
  ...createVolumeChecks,
  ...deleteVolumeChecks,
  ...validateChecks,
  ...listVolumesChecks,
  ...capacityChecks,
  ...topologyChecks,
  ...publishChecks,
  ...nodeStageChecks,
  ...nodePublishChecks,
  ...statsChecks,
  ...expansionChecks,
  ...modifyChecks,
  ...snapshotChecks,
  ...listSnapshotsChecks,
  ...snapshotDataChecks,
  ...groupChecks,
  ...snapshotMetadataChecks,
  ...restartChecks,
];
