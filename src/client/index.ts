export type {
  Client,
  DeleteOptions,
  ListOptions,
  ObjectName,
  Patch,
  PatchType,
  WatchOptions,
} from './client.ts';
export type { Component, ComponentContext } from './component.ts';
export { Controller } from './controller.ts';
export { ignoreNotFound } from './ignore-not-found.ts';
export { Informer, type InformerHandler, type InformerOptions, Informers, type Lister } from './informer.ts';
export {
  CORE_TIMING,
  LeaderElector,
  type LeaderElectorOptions,
  LeadershipLostError,
  type LeaseTiming,
  SIDECAR_TIMING,
  timingProblem,
} from './leader-election/index.ts';
export { type QueueObserver, type QueueObservers, queueMetrics } from './queue-metrics.ts';
export { limitRate, type RateLimit } from './rate-limit.ts';
export { type EventRecorder, Recorder } from './recorder.ts';
export { type ControllerParts, runControllers } from './run-controllers.ts';
export { waitUntil } from './wait.ts';
