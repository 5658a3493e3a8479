import type { Component, ComponentContext } from '../../client/index.ts';
import { createAttributesClassProtection } from './attributes-class-protection.ts';
import { createClaimProtection } from './claim-protection.ts';
import { createVolumeProtection } from './volume-protection.ts';

export { createAttributesClassProtection, createClaimProtection, createVolumeProtection };

/** The controllers behind kubernetes.io/pvc-protection, pv-protection and vac-protection. */
export function createProtectionControllers(context: ComponentContext): Component {
  const parts = [
    createClaimProtection(context),
    createVolumeProtection(context),
    createAttributesClassProtection(context),
  ];
  return {
    name: 'protection',
    async start(signal) {
      await Promise.all(parts.map((part) => part.start(signal)));
    },
  };
}
