export { createSnapshotController, type SnapshotControllerOptions } from './snapshot-controller.ts';
