export { createNodeCleanup, type NodeCleanupOptions } from './node-cleanup.ts';
