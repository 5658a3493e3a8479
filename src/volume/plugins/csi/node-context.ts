import type { Client } from '../../../client/index.ts';
import type { NodeCapability } from '../../../csi/index.ts';
import type { Host } from '../../../host/index.ts';
import { type CSIDriver, type Stored, volumeAttachments } from '../../../kube/index.ts';
import type { TokenCache } from '../../payloads/index.ts';
import { attachRequired } from './csi-driver-policy.ts';
import type { CsiDrivers, RegisteredDriver } from './drivers.ts';
import { attachmentName } from './names.ts';
import { csiFailure, transientFailure } from './rpc-error.ts';
import type { CsiSource } from './source.ts';

/** Of the directories that the node makes for drivers to mount in. */
export const DIRECTORY_MODE = 0o750;

/** What the node's side of the plugin works with. */
export interface CsiNodeContext {
  readonly client: Client;
  readonly host: Host;
  readonly drivers: CsiDrivers;
  readonly tokens: TokenCache;
  readonly nodeRoot: string;
  readonly nodeName: string;
  /** Whether drivers are asked for the health of volumes (CSIVolumeHealth). */
  readonly volumeHealth: boolean;
  csiDriver(name: string): Stored<CSIDriver> | undefined;
}

/** The registered driver; an absent one is no reason to think that anything changed. */
export async function findDriver(
  context: CsiNodeContext,
  name: string,
  what: string,
  signal: AbortSignal,
): Promise<RegisteredDriver> {
  try {
    return await context.drivers.find(name, signal);
  } catch (error) {
    throw transientFailure(what, error);
  }
}

/** @param what upstream's words for the question that these capabilities answer. */
export async function capabilitiesOf(
  driver: RegisteredDriver,
  what: string,
): Promise<ReadonlySet<NodeCapability>> {
  try {
    return await driver.capabilities();
  } catch (error) {
    throw csiFailure(what, error);
  }
}

/** What the attacher left for the node in VolumeAttachment.status.attachmentMetadata; nothing where nobody attaches. */
export async function publishContext(
  context: CsiNodeContext,
  source: CsiSource,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  if (!attachRequired(context.csiDriver(source.driver))) return {};
  const name = attachmentName(source.handle, source.driver, context.nodeName);
  const attachment = await context.client.get(volumeAttachments, { name }, { signal });
  return { ...attachment.status?.attachmentMetadata };
}
