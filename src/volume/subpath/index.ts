export { cleanSubpaths } from './clean-subpaths.ts';
export { type PrepareRequest, prepareSubpath } from './prepare-subpath.ts';
