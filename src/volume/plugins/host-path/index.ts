export { createHostPathPlugin, HOST_PATH_PLUGIN } from './host-path.ts';
