export { createPersistentVolumeController } from './controller.ts';
