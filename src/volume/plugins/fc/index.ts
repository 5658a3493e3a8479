export { createFcPlugin } from './fc.ts';
