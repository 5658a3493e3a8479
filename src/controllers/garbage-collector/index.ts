export { createGarbageCollector, type GarbageCollectorOptions } from './garbage-collector.ts';
