import type { Driver } from '../shared/driver.ts';

export function supportsTopology({ services }: Driver): boolean {
  return services.has('VOLUME_ACCESSIBILITY_CONSTRAINTS');
}

/** @throws Error when the driver cannot make volumes, or not such ones. */
export function checkCapabilities(driver: Driver, needs: { modifyVolume?: boolean } = {}): void {
  const cannot = 'CSI driver does not support';
  if (!driver.services.has('CONTROLLER_SERVICE')) {
    throw new Error(`${cannot} dynamic provisioning: plugin CONTROLLER_SERVICE capability is not reported`);
  }
  if (!driver.controller.has('CREATE_DELETE_VOLUME')) {
    throw new Error(
      `${cannot} dynamic provisioning: controller CREATE_DELETE_VOLUME capability is not reported`,
    );
  }
  if (needs.modifyVolume && !driver.controller.has('MODIFY_VOLUME')) {
    throw new Error(`${cannot} VolumeAttributesClass: controller MODIFY_VOLUME capability is not reported`);
  }
}
