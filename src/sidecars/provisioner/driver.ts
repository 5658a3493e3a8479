import type { Driver } from '../shared/driver.ts';

export function supportsTopology({ services }: Driver): boolean {
  return services.has('VOLUME_ACCESSIBILITY_CONSTRAINTS');
}

/** What a claim asks for beyond an empty volume. */
export interface Needs {
  readonly snapshot?: boolean;
  readonly clone?: boolean;
  readonly modifyVolume?: boolean;
}

/** @throws Error when the driver cannot make volumes, or not such ones. */
export function checkCapabilities(driver: Driver, needs: Needs = {}): void {
  const cannot = 'CSI driver does not support';
  if (!driver.services.has('CONTROLLER_SERVICE')) {
    throw new Error(`${cannot} dynamic provisioning: plugin CONTROLLER_SERVICE capability is not reported`);
  }
  if (!driver.controller.has('CREATE_DELETE_VOLUME')) {
    throw new Error(
      `${cannot} dynamic provisioning: controller CREATE_DELETE_VOLUME capability is not reported`,
    );
  }
  if (needs.snapshot && !driver.controller.has('CREATE_DELETE_SNAPSHOT')) {
    throw new Error(
      `${cannot} snapshot restore: controller CREATE_DELETE_SNAPSHOT capability is not reported`,
    );
  }
  if (needs.clone && !driver.controller.has('CLONE_VOLUME')) {
    throw new Error(`${cannot} clone operations: controller CLONE_VOLUME capability is not reported`);
  }
  if (needs.modifyVolume && !driver.controller.has('MODIFY_VOLUME')) {
    throw new Error(`${cannot} VolumeAttributesClass: controller MODIFY_VOLUME capability is not reported`);
  }
}
