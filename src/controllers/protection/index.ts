import type { Component, ComponentContext } from '../../client/index.ts';
import { createClaimProtection } from './claim-protection.ts';
import { createVolumeProtection } from './volume-protection.ts';

export { createClaimProtection, createVolumeProtection };

/** The controllers behind kubernetes.io/pvc-protection and kubernetes.io/pv-protection. */
export function createProtectionControllers(context: ComponentContext): Component {
  const parts = [createClaimProtection(context), createVolumeProtection(context)];
  return {
    name: 'protection',
    async start(signal) {
      await Promise.all(parts.map((part) => part.start(signal)));
    },
  };
}
