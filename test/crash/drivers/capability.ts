import { csi } from '../../../src/csi/index.ts';

export const Mode = csi.VolumeCapability_AccessMode_Mode;

export type Capability = ReturnType<typeof mountable>;

export const mountable = (mode: csi.VolumeCapability_AccessMode_Mode) => ({
  accessMode: { mode },
  accessType: { case: 'mount' as const, value: {} },
});
