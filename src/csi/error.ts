import { errorMessage } from '../base/index.ts';
import { Code, type CodeName, codeName } from './codes.ts';

/** What a CsiError is made of. */
export interface CsiErrorInit {
  method: string;
  endpoint: string;
  driver?: string | undefined;
  subject?: string | undefined;
  code: Code;
  details: string;
  cause?: unknown;
}

/**
 * A call to a CSI driver failed.
 *
 * - `method`: the full gRPC method, `/csi.v1.Controller/CreateVolume`
 * - `endpoint`: the socket, `unix:///run/csi.sock`, or `memory:`
 * - `driver`: the driver's name, when whoever connected knew it
 * - `subject`: the name or id in the request: what the call was about
 * - `code`, `codeName`: the gRPC status, as number and as name
 * - `details`: the driver's own words, secrets of the request taken out
 * - `cause`: the error underneath: the transport's, or the reason of the abort signal
 *
 * `message` says all of it in one line, so that an event or a log line needs nothing else.
 */
export class CsiError extends Error {
  override name = 'CsiError';
  readonly method: string;
  readonly endpoint: string;
  readonly driver: string | undefined;
  readonly subject: string | undefined;
  readonly code: Code;
  readonly codeName: CodeName;
  readonly details: string;

  constructor(init: CsiErrorInit) {
    super(describe(init), { cause: init.cause });
    this.method = init.method;
    this.endpoint = init.endpoint;
    this.driver = init.driver;
    this.subject = init.subject;
    this.code = init.code;
    this.codeName = codeName(init.code);
    this.details = init.details;
  }
}

function describe(init: CsiErrorInit): string {
  const rpc = init.method.slice(init.method.lastIndexOf('/') + 1);
  const subject = init.subject ? ` ${JSON.stringify(init.subject)}` : '';
  return `${rpc}${subject} on ${init.driver ?? init.endpoint}: ${codeName(init.code)}: ${init.details}`;
}

/**
 * An error as events and statuses of objects show it: a driver's in the words of gRPC for Go, which upstream passes on
 * as they are (`rpc error: code = NotFound desc = no such volume`), any other by its message.
 */
export function rpcErrorText(error: unknown): string {
  if (!(error instanceof CsiError)) return errorMessage(error);
  return `rpc error: code = ${goCodeName(error.codeName)} desc = ${error.details}`;
}

/** DEADLINE_EXCEEDED is DeadlineExceeded; Go spells CANCELLED with one L, and leaves OK alone. */
export function goCodeName(name: CodeName): string {
  if (name === 'OK') return name;
  if (name === 'CANCELLED') return 'Canceled';
  return name.toLowerCase().replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * Whether a failed call is over for sure: the driver did nothing or gave up. When not, the operation may still
 * be running or done, and only the same call again (or its negation) may follow.
 * An error that is no CsiError never reached the driver, yet an earlier try may be running: not final.
 * Source: isFinalError of external-attacher; external-resizer and external-snapshotter have the same table.
 */
export function isFinalError(error: unknown): boolean {
  return error instanceof CsiError && !NON_FINAL.has(error.code);
}

const NON_FINAL: ReadonlySet<Code> = new Set([
  Code.CANCELLED,
  Code.DEADLINE_EXCEEDED,
  Code.UNAVAILABLE, // the driver went away in the middle
  Code.RESOURCE_EXHAUSTED, // may be the transport's limit, not the pool's
  Code.ABORTED, // CSI: an operation on this volume is pending
]);

/**
 * Whether the driver says that what was asked can never be: some of the final errors.
 * Source: IsInfeasibleError of external-resizer; the kubelet has the same.
 */
export function isInfeasibleError(error: unknown): boolean {
  return error instanceof CsiError && INFEASIBLE.has(error.code);
}

const INFEASIBLE: ReadonlySet<Code> = new Set([Code.INVALID_ARGUMENT, Code.OUT_OF_RANGE, Code.NOT_FOUND]);

/** What a failed CreateVolume means for the claim. */
export type ProvisioningState = 'finished' | 'in-background' | 'reschedule';

/**
 * What a failed CreateVolume means: `finished`: nothing is going on, a claim that goes away needs no cleaning;
 * `in-background`: call again until it is certain; `reschedule`: no room here, another node may have some.
 * Differs from isFinalError in RESOURCE_EXHAUSTED, taken as "the pool is full".
 * @param mayReschedule the volume's node was chosen by the scheduler and can be chosen anew.
 * Source: checkError of external-provisioner.
 */
export function provisioningState(error: unknown, mayReschedule: boolean): ProvisioningState {
  if (error instanceof CsiError && error.code === Code.RESOURCE_EXHAUSTED) {
    return mayReschedule ? 'reschedule' : 'finished';
  }
  return isFinalError(error) ? 'finished' : 'in-background';
}
