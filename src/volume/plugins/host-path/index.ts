export { createHostPathControlPlugin } from './control.ts';
export { createHostPathPlugin } from './host-path.ts';
