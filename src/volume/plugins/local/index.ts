export { createLocalPlugin } from './local.ts';
