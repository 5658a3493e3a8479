export { type AttachDetachOptions, createAttachDetachController } from './attach-detach-controller.ts';
