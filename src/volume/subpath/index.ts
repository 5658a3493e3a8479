export { cleanSubpaths } from './clean-subpaths.ts';
export { openSubpath, type PrepareRequest, prepareSubpath } from './prepare-subpath.ts';
