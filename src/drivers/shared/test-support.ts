import assert from 'node:assert/strict';
import { silentLogger, systemClock } from '../../base/index.ts';
import { type Code, CsiError, csi } from '../../csi/index.ts';
import { createLinuxHost } from '../../host/linux/index.ts';

export const clock = systemClock;
export const log = silentLogger;
export const host = createLinuxHost({ clock });

const Mode = csi.VolumeCapability_AccessMode_Mode;

export function mountCapability(options: { fsType?: string; mountFlags?: string[]; mode?: number } = {}) {
  const { fsType = '', mountFlags = [], mode = Mode.SINGLE_NODE_MULTI_WRITER } = options;
  return {
    accessMode: { mode },
    accessType: { case: 'mount' as const, value: { fsType, mountFlags } },
  };
}

export function blockCapability() {
  return {
    accessMode: { mode: Mode.SINGLE_NODE_MULTI_WRITER },
    accessType: { case: 'block' as const, value: {} },
  };
}

/** For assert.rejects: a CsiError with this code and such a text. */
export const failsWith = (code: Code, details = /./) => {
  return (error: unknown) => {
    assert.ok(error instanceof CsiError, `${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.details, details);
    return true;
  };
};
