export { type ContainerStorage, containerStorage } from './container-storage.ts';
export { LocalStorageEviction } from './eviction.ts';
export { ephemeralStorage } from './pod-storage.ts';
