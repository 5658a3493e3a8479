import { UsageError } from '../usage-error.ts';
import { duration, type Flags, type Values } from './go-flags.ts';

/** What programs in pods are told by their environment (the downward API). */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A sidecar's own flags, with upstream's defaults, and what they are to its component. */
export interface SidecarFlags {
  /** The upstream program that it can take the place of. */
  readonly twin: string;
  readonly flags: Flags;
  /** @throws UsageError for flags that ask for what the environment does not tell. */
  options(values: never, env: Environment): object;
}

export function sidecar<F extends Flags>(
  twin: string,
  flags: F,
  options: (values: Values<F>, env: Environment) => object,
): SidecarFlags {
  return { twin, flags, options };
}

/** A variable that a flag needs. @throws UsageError */
export function needed(env: Environment, name: string, why: string): string {
  const value = env[name];
  if (!value) throw new UsageError(why);
  return value;
}

export const RELEASE = { ReleaseLeaderElectionOnExit: false };
export const CAN_RELEASE: readonly string[] = Object.keys(RELEASE);
/** Whether Leases are given back at the end. */
export function releases(values: object): boolean {
  const found = (values as { 'feature-gates'?: Readonly<Record<string, boolean>> })['feature-gates'];
  return found?.ReleaseLeaderElectionOnExit ?? false;
}
export const retries = {
  'retry-interval-start': duration(1_000, 'Until the first retry; doubles with each failure.'),
  'retry-interval-max': duration(300_000, 'The longest time between two retries.'),
};
export const backoffOf = (values: Values<typeof retries>) => ({
  initialMs: values['retry-interval-start'],
  maxMs: values['retry-interval-max'],
});
export const nodeName = (env: Environment): string =>
  needed(env, 'NODE_NAME', 'The NODE_NAME environment variable must be set when using --node-deployment.');
