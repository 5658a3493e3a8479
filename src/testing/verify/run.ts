import { errorMessage } from '../../base/index.ts';
import { type CsiClient, CsiError, csiClient, unixSockets } from '../../csi/index.ts';
import type { Check } from './check.ts';
import { CHECKS } from './checks/index.ts';
import { Ledger } from './ledger.ts';
import { runLifeCycle } from './life-cycle/index.ts';
import { type Circumstances, type Claims, claimsOf, unmet } from './needs.ts';
import { DEFAULT_SIZE_BYTES, DEFAULT_TIMEOUT_MS, type VerifyOptions } from './options.ts';
import { recordingChannel } from './recording.ts';
import type { CheckResult, Outcome, Report } from './report.ts';
import { Scene } from './scene.ts';
import { Blocked, type CallSeen, Violation } from './violation.ts';

const CLEAN_UP = 'Volume Lifecycle/clean-up';

/** What is known of a driver before any check. */
export type Introduction = Pick<Report, 'driver' | 'claims'>;

/**
 * Makes every check that applies to the driver on a socket, one after another; each leaves nothing behind.
 * @param onDriver hears who the driver is before the first check.
 * @throws CsiError if the driver does not answer at all.
 */
export async function verifyDriver(
  options: VerifyOptions,
  onDriver?: (introduction: Introduction) => void,
): Promise<Report> {
  const calls: CallSeen[] = [];
  const ledger = new Ledger();
  const csi = connect(options, { ledger, onCall: (call) => calls.push(call) });
  try {
    const patient = { timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS, waitForReady: true };
    const info = await csi.identity.getPluginInfo({}, patient);
    const claims = await claimsOf(csi, patient);
    const introduction: Introduction = {
      driver: { name: info.name, vendorVersion: info.vendorVersion, endpoint: options.endpoint },
      claims: claimsByService(claims),
    };
    onDriver?.(introduction);
    const run: Run = {
      options,
      csi,
      claims,
      calls,
      ledger,
      circumstances: await circumstancesOf(options),
      leftovers: [],
    };
    const results: CheckResult[] = [];
    const isWanted = (id: string) => options.only === undefined || id.includes(options.only);
    const add = (result: CheckResult) => {
      results.push(result);
      options.onResult?.(result);
    };
    for (const [index, check] of CHECKS.entries()) {
      if (!isWanted(check.id)) continue;
      options.signal?.throwIfAborted();
      add(await runCheck(check, index, run));
    }
    if (isWanted(CLEAN_UP)) add(cleanUp(run));
    const { circumstances } = run;
    await runLifeCycle(options, { driver: info.name, claims, circumstances, isWanted, add });
    return { ...introduction, results };
  } finally {
    await ledger.clear(csi);
    csi.close();
  }
}

interface Run {
  readonly options: VerifyOptions;
  readonly csi: CsiClient;
  readonly claims: Claims;
  readonly calls: CallSeen[];
  readonly ledger: Ledger;
  readonly circumstances: Circumstances;
  /** What could not be taken away after a check. */
  readonly leftovers: string[];
}

/** The services of the controller on their own socket, if there is one; every call recorded. */
function connect(
  options: VerifyOptions,
  recording: { ledger: Ledger; onCall(call: CallSeen): void },
): CsiClient {
  const { endpoint, controllerEndpoint, clock, sockets = unixSockets } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, secrets = {} } = options;
  const client = (address: string) =>
    csiClient(recordingChannel(sockets.channel(address, clock), { secrets, ...recording }), {
      clock,
      timeoutMs,
    });
  const node = client(endpoint);
  if (controllerEndpoint === undefined) return node;
  const { controller, groupController, snapshotMetadata, identity, close } = client(controllerEndpoint);
  return {
    ...node,
    identity,
    controller,
    groupController,
    snapshotMetadata,
    close() {
      node.close();
      close();
    },
  };
}

async function runCheck(check: Check, index: number, run: Run): Promise<CheckResult> {
  const { options, csi, claims, calls, ledger } = run;
  const { id, title, section } = check;
  const began = options.clock.monotonic();
  const reason = unmet(check.needs, claims, run.circumstances);
  let outcome: Outcome;
  if (reason !== undefined) outcome = { kind: 'skipped', reason };
  else {
    calls.length = 0;
    const scene = new Scene({
      csi,
      claims,
      calls,
      options: { ...options, sizeBytes: options.sizeBytes ?? DEFAULT_SIZE_BYTES },
      prefix: `stowage-verify-${options.random.next().toString(36).slice(2, 8)}-${index}`,
    });
    outcome = await outcomeOf(check, scene, calls);
    run.leftovers.push(...(await ledger.clear(csi)).map((text) => `${id}: ${text}`));
  }
  return { id, title, section, durationMs: options.clock.monotonic() - began, outcome };
}

async function outcomeOf(check: Check, scene: Scene, calls: readonly CallSeen[]): Promise<Outcome> {
  try {
    await check.run(scene);
    return { kind: 'passed' };
  } catch (error) {
    if (error instanceof Violation) {
      const { asked, came, says, advice } = error;
      return { kind: 'failed', violation: { asked, came, says, advice } };
    }
    if (error instanceof Blocked) return { kind: 'blocked', reason: error.message };
    if (!(error instanceof CsiError)) return { kind: 'blocked', reason: errorMessage(error) };
    const call = calls.at(-1) ?? { asked: error.method, came: error.message };
    return { kind: 'failed', violation: { ...call, says: check.title, advice: 'answer OK' } };
  }
}

/** Whether what the checks made could be taken away: a driver that keeps it leaks. */
function cleanUp({ leftovers }: Run): CheckResult {
  const outcome: Outcome =
    leftovers.length === 0
      ? { kind: 'passed' }
      : {
          kind: 'failed',
          violation: {
            asked: 'the negation of every call that succeeded',
            came: leftovers.join('; '),
            says: 'whatever a call has made, its negation takes away',
            advice: 'see which call fails, and take away by hand what it left',
          },
        };
  const title = 'What the checks have made is taken away again';
  return { id: CLEAN_UP, title, section: 'Volume Lifecycle', durationMs: 0, outcome };
}

async function circumstancesOf(options: VerifyOptions): Promise<Circumstances> {
  const lacking = (there: boolean, reason: string) => (there ? undefined : reason);
  return {
    'file system access': lacking(
      options.accessType !== 'block',
      'volumes are block devices (--access-type)',
    ),
    'mutable parameters': lacking(
      Object.keys(options.mutableParameters ?? {}).length > 0,
      'no parameters are known that a volume can be modified with (--mutable-parameters-file)',
    ),
    'restart command': lacking(
      options.restartCommand !== undefined,
      'it is not known how to restart the driver (--restart-command)',
    ),
  };
}

function claimsByService({
  plugin,
  controller,
  node,
  group,
}: Claims): Readonly<Record<string, readonly string[]>> {
  return {
    plugin: [...plugin.services, ...[...plugin.volumeExpansion].map((when) => `${when} expansion`)],
    ...(controller && { controller: [...controller] }),
    ...(node && { node: [...node] }),
    ...(group.size > 0 && { 'group controller': [...group] }),
  };
}
