import { createLogger, type Logger, systemClock } from '../../base/index.ts';
import type { SidecarName } from '../../cluster/standalone-sidecars.ts';
import { UsageError } from '../usage-error.ts';
import { COMMON_FLAGS } from './common-flags.ts';
import { runControllerSidecars } from './controller-sidecars.ts';
import type { SidecarFlags } from './flag-set.ts';
import { FlagError, type Flags, parseFlags, string, usageOf, type Values } from './go-flags.ts';
import { LIVENESSPROBE_FLAGS, REGISTRAR_FLAGS, runLivenessProbe, runRegistrar } from './node-sidecars.ts';
import { SIDECAR_FLAGS } from './sidecar-flags.ts';
import { runSnapshotController, SNAPSHOT_CONTROLLER_FLAGS } from './snapshot-controller.ts';
import { runSnapshotMetadata, SNAPSHOT_METADATA_FLAGS } from './snapshot-metadata.ts';

const VERSION = '0.1.0';
const CONTROLLER_NAMES = Object.keys(SIDECAR_FLAGS) as SidecarName[];
/** Those that have a process each: nothing would be shared. */
const ALONE = {
  registrar: { twin: 'node-driver-registrar', flags: REGISTRAR_FLAGS, run: runRegistrar },
  livenessprobe: { twin: 'livenessprobe', flags: LIVENESSPROBE_FLAGS, run: runLivenessProbe },
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
export const SIDECAR_NAMES: readonly string[] = [...CONTROLLER_NAMES, ...Object.keys(ALONE)];

/** `stowage sidecar NAME FLAGS…`: with the flags of its upstream twin. Resolves to the exit code. */
export async function sidecar(name: string, args: readonly string[]): Promise<number> {
  if (isAlone(name)) {
    const { twin, flags, run } = ALONE[name];
    return withFlags<Flags>(`sidecar ${name}`, twin, flags, args, (values, log) => run(values as never, log));
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
    runControllerSidecars({ [name]: options(values as never, process.env) }, values, releases(values), log),
  );
}

/** `stowage sidecars --with NAME,NAME FLAGS…`: several in one process. Resolves to the exit code. */
export async function sidecars(args: readonly string[]): Promise<number> {
  const own = CONTROLLER_NAMES.flatMap((name) =>
    Object.entries(SIDECAR_FLAGS[name].flags as Flags).map(([flag, as]) => [`${name}-${flag}`, as] as const),
  );
  const flags = {
    ...COMMON_FLAGS,
    with: string('', `Which, separated by commas: ${CONTROLLER_NAMES.join(', ')}.`),
    ...Object.fromEntries(own),
  };
  return withFlags('sidecars', 'several sidecars', flags, args, (values, log) => {
    const names = (values.with as string).split(',').filter(Boolean);
    if (names.length === 0)
      throw new FlagError(`flag needs an argument: -with=${CONTROLLER_NAMES.join(',')}`);
    const unknown = names.find((name) => !isController(name));
    if (unknown !== undefined)
      throw new FlagError(`unknown sidecar '${unknown}' in -with; there are ${CONTROLLER_NAMES.join(', ')}`);
    const each = (names as SidecarName[]).map((name) => {
      const { flags: table, options }: SidecarFlags = SIDECAR_FLAGS[name];
      const found = Object.fromEntries(
        Object.keys(table).map((flag) => [flag, (values as Record<string, unknown>)[`${name}-${flag}`]]),
      );
      return { name, release: releases(found), options: options(found as never, process.env) };
    });
    const all = Object.fromEntries(each.map(({ name, options }) => [name, options]));
    return runControllerSidecars(
      all,
      values,
      each.every(({ release }) => release),
      log,
    );
  });
}

function isAlone(name: string): name is keyof typeof ALONE {
  return Object.hasOwn(ALONE, name);
}

function isController(name: string): name is SidecarName {
  return Object.hasOwn(SIDECAR_FLAGS, name);
}

function releases(values: object): boolean {
  const found = (values as { 'feature-gates'?: Readonly<Record<string, boolean>> })['feature-gates'];
  return found?.ReleaseLeaderElectionOnExit ?? false;
}

/** Reads the flags, and runs with them unless they ask for help or the version. */
async function withFlags<F extends Flags>(
  command: string,
  twin: string,
  flags: F,
  args: readonly string[],
  run: (values: Values<F>, log: Logger) => Promise<number>,
): Promise<number> {
  if (args.some((argument) => /^--?h(elp)?$/.test(argument))) {
    process.stdout.write(`Usage of stowage ${command} (upstream: ${twin}):\n${usageOf(flags)}`);
    return 0;
  }
  try {
    const { values } = parseFlags(flags, args);
    const { v, version } = values as { v: number; version: boolean };
    if (version) {
      process.stdout.write(`stowage ${command} ${VERSION}\n`);
      return 0;
    }
    const clock = systemClock;
    const log = createLogger({
      level: v >= 4 ? 'debug' : 'info',
      now: () => clock.now(),
      sink: (line) => process.stderr.write(`${line}\n`),
    });
    return await run(values, log);
  } catch (error) {
    if (error instanceof FlagError)
      throw new UsageError(`${command}: ${error.message}; "stowage ${command} --help" names the flags`);
    throw error instanceof UsageError ? new UsageError(`${command}: ${error.message}`) : error;
  }
}
