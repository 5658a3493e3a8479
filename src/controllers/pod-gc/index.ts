export { createPodGc } from './pod-gc.ts';
