import { awsEbs } from './aws-ebs.ts';
import { azureDisk } from './azure-disk.ts';
import { azureFile } from './azure-file.ts';
import { cinder } from './cinder.ts';
import { gcePd } from './gce-pd.ts';
import { portworx } from './portworx.ts';
import type { Translation } from './translation.ts';
import { vsphere } from './vsphere.ts';

/** The in-tree plugins of which no code is left: all work on their volumes is their drivers'. */
export const TRANSLATIONS: readonly Translation[] = [
  awsEbs,
  azureDisk,
  azureFile,
  cinder,
  gcePd,
  portworx,
  vsphere,
];

export const MIGRATED_PLUGINS: readonly string[] = TRANSLATIONS.map(({ plugin }) => plugin);

/** The plugin from which a driver has taken over; undefined for a driver that came by itself. */
export function pluginOfDriver(driverName: string): string | undefined {
  return TRANSLATIONS.find(({ driver }) => driver === driverName)?.plugin;
}

/** The driver that has taken over from a plugin; undefined for a plugin that is still its own master. */
export function driverOfPlugin(pluginName: string): string | undefined {
  return TRANSLATIONS.find(({ plugin }) => plugin === pluginName)?.driver;
}
