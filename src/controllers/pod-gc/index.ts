export { createPodGc, type PodGcOptions } from './pod-gc.ts';
