export { createHostPathPlugin } from './host-path.ts';
