export { createGarbageCollector } from './garbage-collector.ts';
