export { applyConfiguration } from './apply.ts';
export { keepTimes, type ManagedFieldsEntry } from './managers.ts';
export { type TrackedWrite, trackCreate, trackUpdate } from './track.ts';
