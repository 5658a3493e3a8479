export { createTtlAfterFinished } from './ttl-after-finished.ts';
