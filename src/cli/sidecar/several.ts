import type { Logger } from '../../base/index.ts';
import type { SidecarName } from '../../cluster/standalone-sidecars.ts';
import { UsageError } from '../usage-error.ts';
import { COMMON_FLAGS } from './common-flags.ts';
import { diagnosticsOf, runControllerSidecars } from './controller-sidecars.ts';
import { releases, type SidecarFlags } from './flag-set.ts';
import { FlagError, type Flags, string, type Values } from './go-flags.ts';
import { type DriverSide, NODE_SIDECARS, type NodeSidecar, runNodeSidecars } from './node-sidecars.ts';
import { SIDECAR_FLAGS } from './sidecar-flags.ts';
import { SNAPSHOT_CONTROLLER_OWN_FLAGS, snapshotControllerPart } from './snapshot-controller.ts';
import { withFlags } from './with-flags.ts';

/** The flags of those that can share a process, by their names. */
const OWN_FLAGS: Readonly<Record<string, Flags>> = {
  ...flagsOf(SIDECAR_FLAGS),
  ...flagsOf(NODE_SIDECARS),
  'snapshot-controller': SNAPSHOT_CONTROLLER_OWN_FLAGS,
};
const NAMES = Object.keys(OWN_FLAGS);

/** `stowage sidecars --with NAME,NAME FLAGS…`: several in one process. Resolves to the exit code. */
export async function sidecars(args: readonly string[]): Promise<number> {
  const own = NAMES.flatMap((name) =>
    Object.entries(OWN_FLAGS[name]!).map(([flag, as]) => [`${name}-${flag}`, as] as const),
  );
  const flags = {
    ...COMMON_FLAGS,
    with: string('', `Which, separated by commas: ${NAMES.join(', ')}.`),
    ...Object.fromEntries(own),
  };
  return withFlags('sidecars', 'several sidecars', flags, args, run);
}

async function run(
  values: Values<typeof COMMON_FLAGS & { with: Flags[string] }>,
  log: Logger,
): Promise<number> {
  const names = [...new Set((values.with as string).split(',').filter(Boolean))];
  if (names.length === 0) throw new FlagError(`flag needs an argument: -with=${NAMES.join(',')}`);
  const unknown = names.find((name) => !Object.hasOwn(OWN_FLAGS, name));
  if (unknown !== undefined)
    throw new FlagError(`unknown sidecar '${unknown}' in -with; there are ${NAMES.join(', ')}`);

  /** Its own flags, without its name. */
  const valuesOf = (name: string) =>
    Object.fromEntries(
      Object.keys(OWN_FLAGS[name]!).map((flag) => [
        flag,
        (values as Readonly<Record<string, unknown>>)[`${name}-${flag}`],
      ]),
    );
  const beside = names
    .filter((name) => Object.hasOwn(NODE_SIDECARS, name))
    .map((name) => {
      const { components } = (NODE_SIDECARS as Readonly<Record<string, NodeSidecar>>)[name]!;
      return inWordsOf(name, () => components(valuesOf(name) as never));
    })
    .filter((found): found is DriverSide => found !== undefined);
  const withServer = names.filter((name) => !Object.hasOwn(NODE_SIDECARS, name));
  if (withServer.length + beside.length === 0) return 0;
  if (withServer.length === 0)
    return runNodeSidecars(values['csi-address'], beside, log, diagnosticsOf(values));
  const controllers = withServer.filter((name) => Object.hasOwn(SIDECAR_FLAGS, name)) as SidecarName[];
  return runControllerSidecars(
    {
      sidecars: Object.fromEntries(
        controllers.map((name) => {
          const { options }: SidecarFlags = SIDECAR_FLAGS[name];
          return [name, inWordsOf(name, () => options(valuesOf(name) as never, process.env))];
        }),
      ),
      snapshotController: withServer.includes('snapshot-controller')
        ? snapshotControllerPart(valuesOf('snapshot-controller') as never)
        : undefined,
      beside: (shared) => beside.flatMap((components) => components(shared)),
    },
    values,
    withServer.every((name) => releases(valuesOf(name))),
    log,
  );
}

/** What is wrong with a sidecar's own flags, which here begin with its name. */
function inWordsOf<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${name}: ${error.message}; its own flags are --${name}-…`);
  }
}

function flagsOf(
  sidecars: Readonly<Record<string, { readonly flags: Flags }>>,
): Readonly<Record<string, Flags>> {
  return Object.fromEntries(Object.entries(sidecars).map(([name, { flags }]) => [name, flags]));
}
