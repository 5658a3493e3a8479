export { applyConfiguration, unconverted } from './apply.ts';
export { keepTimes, type ManagedFieldsEntry } from './managers.ts';
export { parentManagers, type ReplicasPaths, scaleManagers } from './scale-managers.ts';
export { type TrackedWrite, trackCreate, trackUpdate } from './track.ts';
