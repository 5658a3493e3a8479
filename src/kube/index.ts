export * from './metadata.ts';
export * from './node-affinity.ts';
export * from './quantity.ts';
export * from './resources.ts';
export * from './selectors.ts';
export * from './status.ts';
export * from './types.ts';
export * from './well-known.ts';
