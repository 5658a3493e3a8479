import type { Logger } from '../base/index.ts';
import { installedDisk } from './api/installed.ts';
import type { FaultOptions } from './faults.ts';
import { isFlexStep } from './flex/steps.ts';
import { unconverged } from './goals.ts';
import type { JournalLine } from './journal.ts';
import { left } from './leftovers.ts';
import { neededControllers } from './needed-controllers.ts';
import { drawSetting } from './setting.ts';
import { DEFAULT_SIZE, SIZES, type SizeName } from './sizes.ts';
import { User } from './user.ts';
import type { Violation } from './violation.ts';
import { drawWorkload } from './workload.ts';
import { type Sabotage, World } from './world.ts';

/** All that decides a run. The same scenario gives the same run, in any process. */
export interface Scenario {
  readonly seed: number;
  /** @default medium */
  readonly size?: SizeName;
  /** Only these steps of them, by number. @default all */
  readonly only?: readonly number[];
  /** Only these of the faults that the seed draws, as `crash:2`. @default all */
  readonly faults?: readonly string[];
}

export interface SimulateOptions extends Pick<FaultOptions, 'rates'> {
  readonly onLine?: (line: JournalLine) => void;
  readonly log?: Logger;
  readonly sabotage?: Sabotage;
}

export interface Outcome {
  readonly scenario: Scenario;
  /** What was broken first; absent: all is well. */
  readonly violation?: Violation;
  /** Of everything that happened, in order. */
  readonly hash: string;
  readonly virtualMs: number;
  readonly events: number;
  /** The faults that came to pass, in order. */
  readonly faults: readonly string[];
  /** Writes while two led at once: of the old one, and of the new. */
  readonly overlap: { readonly old: number; readonly new: number };
  /** By number: the steps that the workload had. */
  readonly steps: readonly number[];
}

/** The scenario names a step that its seed does not have. */
export class UnknownStep extends Error {}

/** Faults go on for so long after the last step, and in all at most: an outage may outlast them. */
const AFTERMATH_MS = 15_000;
const STORM_LIMIT_MS = 180_000;
/** After the last fault everything must have come to rest within this. Force-detach and the longest back-offs fit in. */
const CONVERGENCE_MS = 45 * 60_000;
const LOOK_MS = 250;

/**
 * Runs one scenario to its end or to the first broken invariant.
 * @throws UnknownStep
 */
export async function simulate(scenario: Scenario, options: SimulateOptions = {}): Promise<Outcome> {
  const { seed, only } = scenario;
  const setting = drawSetting(seed, SIZES[scenario.size ?? DEFAULT_SIZE]);
  const drawn = drawWorkload(seed, setting);
  const unknown = only?.find((step) => step >= drawn.length);
  if (unknown !== undefined)
    throw new UnknownStep(`seed ${seed} has the steps 0 to ${drawn.length - 1}: there is no step ${unknown}`);
  const world = new World({
    seed,
    setting,
    controllers: neededControllers(setting, drawn),
    resizes: drawn.some(({ action }) => action.do === 'grow' || action.do === 'modify'),
    snapshots: drawn.some(({ action }) => action.do === 'snapshot' || action.do === 'group-snapshot'),
    flexVolumes: drawn.some(isFlexStep),
    nodesAttach: drawn.some(isFlexStep) && setting.nodesAttach,
    keep: scenario.faults,
    disk: await installedDisk(),
    ...options,
  });
  const { clock } = world;
  const steps = only ? drawn.filter((_, index) => only.includes(index)) : drawn;
  const user = new User(world, steps);
  let failure: { error: unknown } | undefined;
  let finished = false;
  void life(world, user).then(
    () => {
      finished = true;
    },
    (error: unknown) => {
      failure = { error };
    },
  );
  // Errors are everyday answers here: where they were made is told only where somebody reads along.
  const { stackTraceLimit } = Error;
  if (!options.onLine && !options.log) Error.stackTraceLimit = 0;
  const end = await clock
    .run({
      until: () => finished || failure !== undefined || world.violation !== undefined,
      deadlineMs: clock.monotonic() + 24 * 3600_000,
    })
    .finally(() => {
      Error.stackTraceLimit = stackTraceLimit;
      clock.clear();
    });
  if (failure) throw failure.error;
  if (end !== 'done') world.violated({ rule: 'the simulation ends', detail: `the clock is ${end}` });
  return {
    scenario,
    violation: world.violation,
    hash: world.journal.hash(),
    virtualMs: world.journal.elapsedMs,
    events: clock.events,
    faults: world.faults.struck,
    overlap: world.overlap,
    steps: only ?? drawn.map((_, index) => index),
  };
}

/** The phases of a run: set-up, storm, calm, clearing away. */
async function life(world: World, user: User): Promise<void> {
  const { clock, faults, journal, api } = world;
  const sleep = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  const until = async (what: string, limitMs: number, look: () => Promise<string[]>) => {
    const deadlineMs = clock.monotonic() + limitMs;
    for (let pauseMs = LOOK_MS; ; pauseMs = Math.min(pauseMs * 1.3, 30_000)) {
      const open = world.settled ? await look() : ['processes are down'];
      if (open.length === 0) return;
      if (clock.monotonic() > deadlineMs)
        return world.violated({ rule: what, detail: `${open.join('; ')} after ${limitMs / 60_000} minutes` });
      await sleep(pauseMs);
    }
  };
  await world.start();
  await user.prepare();
  journal.write('simulation', 'the storm begins');
  faults.active = true;
  user.begin();
  const limitMs = clock.monotonic() + STORM_LIMIT_MS;
  while (!user.done && clock.monotonic() < limitMs) await sleep(1_000);
  await sleep(AFTERMATH_MS);
  journal.write('simulation', 'the storm ends');
  faults.active = false;
  while (!user.done) await sleep(AFTERMATH_MS);
  const { nodes, poolNode } = world.options.setting;
  await until('once faults stop, everything converges', CONVERGENCE_MS, () => {
    const aliveNodes = nodes.filter((name) => world.computer(name).power !== 'lost');
    const { nodesAttach = false } = world.options;
    const { where } = world;
    return unconverged(api.client, {
      ...{ aliveNodes, poolNode, nodesAttach },
      limitsOf: (id) => world.limitsOf(id),
      pooledSnapshots: () => where.pooledSnapshots(),
      frozen: () => where.frozen(),
    });
  });
  if (world.violation) return;
  journal.write('simulation', 'everything is deleted');
  await until('after everything is deleted nothing is left', CONVERGENCE_MS, async () => {
    // Again and again: controllers that lag behind may still make some.
    await user.deleteAll();
    await user.deleteVolumes();
    return left(world);
  });
}
