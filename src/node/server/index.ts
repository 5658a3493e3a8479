export { NodeServer } from './node-server.ts';
