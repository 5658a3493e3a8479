export { deviceReferences, mapBlockVolume, unmapBlockVolume } from './map-block-volume.ts';
