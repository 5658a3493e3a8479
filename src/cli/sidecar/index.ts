import type { SidecarName } from '../../cluster/standalone-sidecars.ts';
import { UsageError } from '../usage-error.ts';
import { COMMON_FLAGS } from './common-flags.ts';
import { runControllerSidecars } from './controller-sidecars.ts';
import { releases, type SidecarFlags } from './flag-set.ts';
import type { Flags } from './go-flags.ts';
import { NODE_SIDECAR_FLAGS, NODE_SIDECARS, type NodeSidecar, runNodeSidecars } from './node-sidecars.ts';
import { SIDECAR_FLAGS } from './sidecar-flags.ts';
import { runSnapshotController, SNAPSHOT_CONTROLLER_FLAGS } from './snapshot-controller.ts';
import { runSnapshotMetadata, SNAPSHOT_METADATA_FLAGS } from './snapshot-metadata.ts';
import { withFlags } from './with-flags.ts';

export { sidecars } from './several.ts';

const CONTROLLER_NAMES = Object.keys(SIDECAR_FLAGS) as SidecarName[];
/** Those that work with the API server in another way than beside a driver's controller. */
const ALONE = {
  'snapshot-controller': {
    twin: 'snapshot-controller',
    flags: SNAPSHOT_CONTROLLER_FLAGS,
    run: runSnapshotController,
  },
  'snapshot-metadata': {
    twin: 'csi-snapshot-metadata',
    flags: SNAPSHOT_METADATA_FLAGS,
    run: runSnapshotMetadata,
  },
};

/** The sidecars that can run by themselves. */
export const SIDECAR_NAMES: readonly string[] = [
  ...CONTROLLER_NAMES,
  ...Object.keys(NODE_SIDECARS),
  ...Object.keys(ALONE),
];

/** `stowage sidecar NAME FLAGS…`: with the flags of its upstream twin. Resolves to the exit code. */
export async function sidecar(name: string, args: readonly string[]): Promise<number> {
  if (isAlone(name)) {
    const { twin, flags, run } = ALONE[name];
    return withFlags<Flags>(`sidecar ${name}`, twin, flags, args, (values, log) => run(values as never, log));
  }
  if (isNodeSidecar(name)) {
    const { twin, flags, components }: NodeSidecar = NODE_SIDECARS[name];
    const all = { ...NODE_SIDECAR_FLAGS, ...flags };
    return withFlags(`sidecar ${name}`, twin, all, args, async (values, log) => {
      const found = components(values as never);
      return found ? runNodeSidecars(values['csi-address'], [found], log) : 0;
    });
  }
  if (/^--?h(elp)?$/.test(name)) {
    const names = SIDECAR_NAMES.join(', ');
    process.stdout.write(
      `Usage of stowage sidecar: stowage sidecar NAME FLAGS…\nNAME is one of ${names}.\n"stowage sidecar NAME --help" names its flags.\n`,
    );
    return 0;
  }
  if (!isController(name))
    throw new UsageError(`unknown sidecar '${name}'; there are ${SIDECAR_NAMES.join(', ')}`);
  const { twin, flags, options }: SidecarFlags = SIDECAR_FLAGS[name];
  return withFlags(`sidecar ${name}`, twin, { ...COMMON_FLAGS, ...flags }, args, (values, log) =>
    runControllerSidecars(
      { sidecars: { [name]: options(values as never, process.env) } },
      values,
      releases(values),
      log,
    ),
  );
}

function isNodeSidecar(name: string): name is keyof typeof NODE_SIDECARS {
  return Object.hasOwn(NODE_SIDECARS, name);
}

function isAlone(name: string): name is keyof typeof ALONE {
  return Object.hasOwn(ALONE, name);
}

function isController(name: string): name is SidecarName {
  return Object.hasOwn(SIDECAR_FLAGS, name);
}
