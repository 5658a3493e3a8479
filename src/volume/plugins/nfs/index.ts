export { nfsControlPlugin } from './control.ts';
export { createNfsPlugin } from './nfs.ts';
