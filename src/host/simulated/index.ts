export { createSimulatedHost } from './host.ts';
export { type FileSystem, type Inode, systemError } from './inode.ts';
export { type Grant, Machine, type SimMount } from './machine.ts';
export { NETWORK_FS } from './mounts.ts';
