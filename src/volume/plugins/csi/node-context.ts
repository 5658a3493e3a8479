import type { Client } from '../../../client/index.ts';
import type { NodeCapability } from '../../../csi/index.ts';
import type { Host } from '../../../host/index.ts';
import { type CSIDriver, type Stored, volumeAttachments } from '../../../kube/index.ts';
import { TransientOperationFailure } from '../../operation-error.ts';
import type { TokenCache } from '../../payloads/index.ts';
import { attachRequired } from './csi-driver-policy.ts';
import type { CsiDrivers, RegisteredDriver } from './drivers.ts';
import { attachmentName } from './names.ts';
import { mountFailure, rpcErrorText } from './rpc-error.ts';
import type { CsiSource } from './source.ts';

/** The longest that a driver may take over a call. Source: csiTimeout, pkg/volume/csi. */
export const CSI_TIMEOUT_MS = 120_000;

/** What the node's side of the plugin works with. */
export interface CsiNodeContext {
  readonly client: Client;
  readonly host: Host;
  readonly drivers: CsiDrivers;
  readonly tokens: TokenCache;
  readonly nodeRoot: string;
  readonly nodeName: string;
  csiDriver(name: string): Stored<CSIDriver> | undefined;
}

/** The registered driver; an absent one is no reason to think that anything changed. */
export async function findDriver(
  context: CsiNodeContext,
  name: string,
  caller: string,
  signal: AbortSignal,
): Promise<RegisteredDriver> {
  try {
    return await context.drivers.find(name, signal);
  } catch (error) {
    throw new TransientOperationFailure(`kubernetes.io/csi: ${caller}: ${rpcErrorText(error)}`, {
      cause: error,
    });
  }
}

export async function capabilitiesOf(driver: RegisteredDriver): Promise<ReadonlySet<NodeCapability>> {
  try {
    return await driver.capabilities();
  } catch (error) {
    throw mountFailure(error);
  }
}

/** What the attacher left for the node in VolumeAttachment.status.attachmentMetadata. */
export async function publishContext(
  context: CsiNodeContext,
  source: CsiSource,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  if (!attachRequired(context.csiDriver(source.driver))) return {};
  const name = attachmentName(source.handle, source.driver, context.nodeName);
  try {
    const attachment = await context.client.get(volumeAttachments, { name }, { signal });
    return { ...attachment.status?.attachmentMetadata };
  } catch (error) {
    throw new TransientOperationFailure(rpcErrorText(error), { cause: error });
  }
}
