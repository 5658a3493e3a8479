import { errorMessage } from '../../../base/index.ts';
import { type Cluster, startCluster } from '../../../cluster.ts';
import { checkPrivileges } from '../../../host/linux/index.ts';
import { type Circumstances, type Claims, type Need, unmet } from '../needs.ts';
import { DEFAULT_SIZE_BYTES, type VerifyOptions } from '../options.ts';
import type { CheckResult, Outcome } from '../report.ts';
import { STEPS, type Stage, type Step, warnings } from './steps.ts';

/** Without these a volume is neither made nor used. */
const NEEDS: readonly Need[] = ['node', 'Controller CREATE_DELETE_VOLUME'];
const MAX_WARNINGS = 3;

/** What the rest of a verification knows of the driver, and where the results of steps go. */
interface LifeCycle {
  readonly driver: string;
  readonly claims: Claims;
  readonly circumstances: Circumstances;
  isWanted(id: string): boolean;
  add(result: CheckResult): void;
}

/** The life of a volume in an ephemeral cluster of its own, in which the driver is the only one. */
export async function runLifeCycle(options: VerifyOptions, life: LifeCycle): Promise<void> {
  const { claims, circumstances } = life;
  if (!STEPS.some((step) => life.isWanted(idOf(step)))) return;
  const skip = unmet(NEEDS, claims, circumstances) ?? (await impossible(options));
  const add = (step: Step, durationMs: number, outcome: Outcome) => {
    const id = idOf(step);
    const { title } = step;
    if (life.isWanted(id)) life.add({ id, title, section: 'Volume Lifecycle', durationMs, outcome });
  };
  if (skip !== undefined) {
    for (const step of STEPS) add(step, 0, { kind: 'skipped', reason: skip });
    return;
  }
  const { endpoint, controllerEndpoint = endpoint } = options;
  const cluster = await startCluster({
    ephemeral: true,
    disk: false,
    logLevel: 'silent',
    csiDrivers: [...new Set([endpoint, controllerEndpoint])].map((socket) => ({ endpoint: socket })),
  });
  const stage: Stage = {
    cluster,
    driver: life.driver,
    options,
    sizeBytes: options.sizeBytes ?? DEFAULT_SIZE_BYTES,
    block: options.accessType === 'block',
  };
  try {
    let broken: string | undefined;
    for (const step of STEPS) {
      const began = options.clock.monotonic();
      const outcome = await outcomeOf(step, stage, {
        unmet: unmet(step.needs, claims, circumstances),
        broken: step.always ? undefined : broken,
      });
      if (outcome.kind === 'failed') broken ??= `${step.name} went wrong`;
      add(step, options.clock.monotonic() - began, outcome);
    }
  } catch (error) {
    // Interrupted: what takes everything away is done all the same.
    const last = { ...stage, options: { ...options, signal: undefined } };
    for (const step of STEPS) if (step.always) await step.run(last).catch(() => undefined);
    throw error;
  } finally {
    await cluster.stop();
  }
}

function idOf({ name }: Step): string {
  return `Life cycle/${name}`;
}

async function impossible({ lifeCycle = true }: VerifyOptions): Promise<string | undefined> {
  if (!lifeCycle) return 'not asked for (--no-life-cycle)';
  const { sufficient, problems } = await checkPrivileges();
  return sufficient ? undefined : `a node cannot run here: ${problems.join('; ')}`;
}

async function outcomeOf(
  step: Step,
  stage: Stage,
  why: { readonly unmet: string | undefined; readonly broken: string | undefined },
): Promise<Outcome> {
  if (why.unmet !== undefined) return { kind: 'skipped', reason: why.unmet };
  if (why.broken !== undefined) return { kind: 'blocked', reason: why.broken };
  try {
    await step.run(stage);
    return { kind: 'passed' };
  } catch (error) {
    stage.options.signal?.throwIfAborted();
    return { kind: 'failed', violation: await violation(step, stage.cluster, error) };
  }
}

async function violation({ title, advice }: Step, cluster: Cluster, error: unknown) {
  const told = [...new Set(await warnings(cluster))].slice(0, MAX_WARNINGS);
  return {
    asked: 'objects in a cluster: StorageClass, PersistentVolumeClaim, Pod',
    came: [errorMessage(error), ...told].join('; '),
    says: title,
    advice,
  };
}
