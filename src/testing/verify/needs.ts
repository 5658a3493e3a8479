import type { ControllerCapability, CsiClient, NodeCapability, PluginCapability } from '../../csi/index.ts';
import {
  controllerCapabilities,
  groupControllerCapabilities,
  nodeCapabilities,
  pluginCapabilities,
} from '../../csi/index.ts';
import type { CallOptions } from './options.ts';

/** What a check needs: a capability of one of the driver's services (`!`: its absence), or something of the run. */
export type Need =
  | 'controller'
  | 'node'
  | `${'' | '!'}Controller ${ControllerCapability}`
  | `${'' | '!'}Node ${NodeCapability}`
  | `${'' | '!'}Plugin ${PluginCapability}`
  | 'Group CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT'
  | Circumstance;

/** What a driver says that it can do. */
export interface Claims {
  readonly plugin: Awaited<ReturnType<typeof pluginCapabilities>>;
  /** Absent: it has no controller service, or no node service. */
  readonly controller: ReadonlySet<string> | undefined;
  readonly node: ReadonlySet<string> | undefined;
  readonly group: ReadonlySet<string>;
}

/**
 * Asks a driver for its capabilities. A service that the driver does not claim, or that answers UNIMPLEMENTED, is not
 * there; any other failure is.
 */
export async function claimsOf(csi: CsiClient, options: CallOptions): Promise<Claims> {
  const plugin = await pluginCapabilities(csi, options);
  const none: ReadonlySet<string> = new Set();
  const controller = plugin.services.has('CONTROLLER_SERVICE')
    ? await controllerCapabilities(csi, options)
    : undefined;
  const node = await orAbsent(nodeCapabilities(csi, options));
  const group = plugin.services.has('GROUP_CONTROLLER_SERVICE')
    ? await groupControllerCapabilities(csi, options)
    : none;
  return { plugin, controller, node, group };
}

async function orAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if ((error as { codeName?: string }).codeName === 'UNIMPLEMENTED') return undefined;
    throw error;
  }
}

/** What is there beside the driver. */
export type Circumstance = 'file system access' | 'mutable parameters' | 'restart command';

/** Why something is not there; undefined when it is. */
export type Circumstances = Readonly<Record<Circumstance, string | undefined>>;

/** Why a check does not apply; undefined when it does. */
export function unmet(needs: readonly Need[], claims: Claims, run: Circumstances): string | undefined {
  for (const need of needs) {
    const reason = unmetOne(need, claims, run);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function unmetOne(need: Need, claims: Claims, run: Circumstances): string | undefined {
  if (need === 'controller') return claims.controller ? undefined : 'the driver has no controller service';
  if (need === 'node') return claims.node ? undefined : 'the socket has no node service';
  if (need in run) return run[need as Circumstance];
  const [service, capability] = need.replace('!', '').split(' ') as [keyof typeof SETS, string];
  const has = SETS[service](claims).has(capability);
  if (need.startsWith('!')) return has ? `the driver claims ${capability}` : undefined;
  return has ? undefined : `the driver does not claim ${capability}`;
}

const NONE: ReadonlySet<string> = new Set();
const SETS = {
  Controller: ({ controller }: Claims) => controller ?? NONE,
  Node: ({ node }: Claims) => node ?? NONE,
  Plugin: ({ plugin }: Claims) => plugin.services as ReadonlySet<string>,
  Group: ({ group }: Claims) => group,
};
