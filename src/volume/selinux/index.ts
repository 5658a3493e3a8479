export { type SeLinuxOptions, seLinuxOptionsByMount } from './context.ts';
export { mountLabel } from './mount-label.ts';
export { createSeLinux, NO_SELINUX, type SeLinux } from './selinux.ts';
