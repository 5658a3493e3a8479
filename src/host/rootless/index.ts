export { type Entry, enter, findEntry } from './enter.ts';
export { createMachineHost } from './host.ts';
export { isRootless } from './is-rootless.ts';
