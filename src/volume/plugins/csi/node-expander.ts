import { Code, CsiError, isInfeasibleError } from '../../../csi/index.ts';
import { quantityValue, volumeModeOf } from '../../../kube/index.ts';
import {
  FailedPreconditionError,
  InfeasibleError,
  OperationNotSupportedError,
} from '../../operation-error.ts';
import type { NodeExpander, NodeExpansion } from '../../plugin.ts';
import { type CsiNodeContext, capabilitiesOf, findDriver } from './node-context.ts';
import { mountFailure, rpcErrorText } from './rpc-error.ts';
import { secretData } from './secret-data.ts';
import { persistentSource } from './source.ts';
import { CSI_TIMEOUT_MS } from './timeout.ts';
import { blockCapability, mountCapability } from './volume-capability.ts';

/** Has drivers grow what is mounted, or the device that is given to a pod. Source: expander.go of pkg/volume/csi. */
export function createCsiNodeExpander(context: CsiNodeContext): NodeExpander {
  return { requiresExpansion: () => true, expand: (request) => expand(context, request) };
}

async function expand(
  context: CsiNodeContext,
  { spec, devicePath, mountPath, deviceMountPath, newSize, signal }: NodeExpansion,
): Promise<void> {
  const source = persistentSource(spec);
  const driver = await findDriver(context, source.driver, 'Expander.NodeExpand', signal);
  const capabilities = await capabilitiesOf(
    driver,
    'Expander.NodeExpand failed to check if node supports expansion',
  );
  if (!capabilities.has('EXPAND_VOLUME'))
    throw new OperationNotSupportedError(`NodeExpand is not supported by the CSI driver ${source.driver}`);
  const secrets = await secretData(
    context.client,
    source.expandSecret,
    signal,
    (secret) => `expander.NodeExpand failed to get NodeExpandSecretRef ${secret}`,
  );
  const isBlock = volumeModeOf(spec.persistentVolume!) === 'Block';
  try {
    await driver.client.node.nodeExpandVolume(
      {
        volumeId: source.handle,
        volumePath: isBlock ? devicePath : mountPath,
        stagingTargetPath: capabilities.has('STAGE_UNSTAGE_VOLUME') ? deviceMountPath : '',
        capacityRange: { requiredBytes: quantityValue(newSize) },
        volumeCapability: isBlock
          ? blockCapability(source.accessMode, capabilities)
          : mountCapability(source, capabilities),
        secrets,
      },
      { timeoutMs: CSI_TIMEOUT_MS, signal },
    );
  } catch (error) {
    throw expansionFailure(error);
  }
}

function expansionFailure(error: unknown): Error {
  const failed = 'Expander.NodeExpand failed to expand the volume';
  const cause = { cause: error };
  if (error instanceof CsiError && error.code === Code.FAILED_PRECONDITION)
    return new FailedPreconditionError(`${failed} : ${rpcErrorText(error)}`, cause);
  if (isInfeasibleError(error)) return new InfeasibleError(`${failed} ${rpcErrorText(error)}`, cause);
  const failure = mountFailure(error);
  failure.message = `${failed} : ${failure.message}`;
  return failure;
}
