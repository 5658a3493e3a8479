export { createSelinuxWarningController } from './selinux-warning-controller.ts';
