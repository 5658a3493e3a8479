export { allSettled } from './all.ts';
export { type ConfigMapSource, configMapPayload } from './config-map.ts';
export { type Allocatable, downwardPayload } from './downward-api.ts';
export { ImmutableObjects } from './immutable-objects.ts';
export { DEFAULT_MODE, type PayloadRequest, type ReadObject, readUnlessOptional } from './request.ts';
export { secretPayload } from './secret.ts';
export { TokenCache } from './token-cache.ts';
