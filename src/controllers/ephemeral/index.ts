export { createEphemeralVolumeController } from './ephemeral-volume-controller.ts';
