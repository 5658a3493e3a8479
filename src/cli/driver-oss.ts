import { openOssDriver } from '../drivers/oss/index.ts';
import { requirePrivileges } from './privileges.ts';
import { type DriverFlags, serveDriver } from './serve-driver.ts';
import { UsageError } from './usage-error.ts';

interface OssDriverFlags extends DriverFlags {
  readonly stateDir?: string;
}

/** `stowage driver oss`: serves until a signal. Resolves to the exit code. */
export async function driverOss(options: OssDriverFlags): Promise<number> {
  const { driverName: name, nodeId, stateDir } = options;
  if ((nodeId === undefined) !== (stateDir === undefined))
    throw new UsageError(
      'stowage driver oss: a node needs both --node-id and --state-dir; a controller neither',
    );
  // The controller alone needs no more than the network.
  if (nodeId !== undefined) await requirePrivileges('stowage driver oss');
  const node = nodeId === undefined || stateDir === undefined ? undefined : { id: nodeId, stateDir };
  return serveDriver('stowage driver oss', options, (context) =>
    openOssDriver({ name, node, fetch, ...context }),
  );
}
