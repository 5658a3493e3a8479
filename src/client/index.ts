export type {
  Client,
  DeleteOptions,
  ListOptions,
  ObjectName,
  Patch,
  PatchType,
  SubresourceOption,
  WatchOptions,
  WriteOptions,
} from './client.ts';
export type { Component, ComponentContext } from './component.ts';
export { Controller, type ControllerOptions } from './controller.ts';
export {
  type IndexFunction,
  Informer,
  type InformerHandler,
  type InformerOptions,
  Informers,
  type Lister,
} from './informer.ts';
export { type EventRecorder, type EventSubject, Recorder, type RecorderOptions } from './recorder.ts';
export { waitUntil } from './wait.ts';
export { DEFAULT_BACKOFF, WorkQueue } from './workqueue.ts';
