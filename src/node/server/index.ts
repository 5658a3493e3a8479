export { NodeServer, type NodeServerOptions } from './node-server.ts';
