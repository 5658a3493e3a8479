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

/** The life of a volume in an ephemeral cluster of its own, in which the driver is the only one. */
export async function runLifeCycle(
  options: VerifyOptions,
  { driver, claims, circumstances }: { driver: string; claims: Claims; circumstances: Circumstances },
): Promise<readonly CheckResult[]> {
  const skip = unmet(NEEDS, claims, circumstances) ?? (await impossible(options));
  if (skip !== undefined) return STEPS.map((step) => result(step, 0, { kind: 'skipped', reason: skip }));
  const { endpoint, controllerEndpoint = endpoint } = options;
  const cluster = await startCluster({
    ephemeral: true,
    disk: false,
    logLevel: 'silent',
    csiDrivers: [...new Set([endpoint, controllerEndpoint])].map((socket) => ({ endpoint: socket })),
  });
  try {
    const stage: Stage = {
      cluster,
      driver,
      options,
      sizeBytes: options.sizeBytes ?? DEFAULT_SIZE_BYTES,
      block: options.accessType === 'block',
    };
    const results: CheckResult[] = [];
    let broken: string | undefined;
    for (const step of STEPS) {
      const began = options.clock.monotonic();
      const outcome = await outcomeOf(step, stage, {
        unmet: unmet(step.needs, claims, circumstances),
        broken: step.always ? undefined : broken,
      });
      if (outcome.kind === 'failed') broken ??= `${step.name} went wrong`;
      results.push(result(step, options.clock.monotonic() - began, outcome));
    }
    return results;
  } finally {
    await cluster.stop();
  }
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

function result({ name, title }: Step, durationMs: number, outcome: Outcome): CheckResult {
  return { id: `Life cycle/${name}`, title, section: 'Volume Lifecycle', durationMs, outcome };
}
