export { createFlexControlPlugin } from './expander.ts';
export { createFlexVolumePlugin } from './plugin.ts';
export { FlexVolumeProber } from './prober.ts';
