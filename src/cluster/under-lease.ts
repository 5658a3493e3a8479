import {
  type Client,
  type Component,
  type ComponentContext,
  LeaderElector,
  type LeaseTiming,
} from '../client/index.ts';
import type { Answer } from '../sidecars/http/index.ts';

export interface LeaderElectionOptions {
  readonly namespace: string;
  /** Who asks; no two candidates may have the same. */
  readonly identity: string;
  readonly timing: LeaseTiming;
  readonly labels?: Readonly<Record<string, string>>;
  /** Gives leases back at the end. */
  readonly releaseOnCancel: boolean;
}

/** A component that works while it holds a Lease. */
export interface LedComponent extends Component {
  readonly lease: string;
  isLeading(): boolean;
  /** What /healthz/leader-election says: ill when the lease should have been lost for long. */
  health(): Answer;
}

/** How long after the end of its lease a leader that has not noticed is ill. Source: csi-lib-utils. */
const HEALTH_TOLERANCE_MS = 20_000;

/**
 * `component` under the Lease `name`; it waits for it to be free. When the lease is lost it ends with a
 * LeadershipLostError, perhaps before the component has: the process must end then.
 */
export function underLease(
  context: ComponentContext,
  component: Component,
  name: string,
  options: LeaderElectionOptions & { client?: Client },
): LedComponent {
  const { clock, random, log } = context;
  const { namespace, timing, labels, releaseOnCancel } = options;
  const [identity, lease] = [sanitizeName(options.identity), sanitizeName(name)];
  const elector = new LeaderElector({
    client: options.client ?? context.client,
    clock,
    random,
    log,
    recorder: context.recorder(`${name}/${options.identity}`),
    lease: { namespace, name: lease },
    identity,
    labels,
    releaseOnCancel,
    ...timing,
  });
  let isLeading = false;
  const lead = async (leading: AbortSignal) => {
    isLeading = true;
    try {
      await component.start(leading);
    } finally {
      isLeading = false;
    }
  };
  return {
    name: component.name,
    lease,
    isLeading: () => isLeading,
    start: (signal) => elector.run(lead, signal),
    health: () =>
      elector.staleMs > timing.leaseDurationMs + HEALTH_TOLERANCE_MS
        ? {
            code: 500,
            body: `internal server error: failed election to renew leadership on lease ${lease}\n`,
          }
        : { code: 200, body: 'ok' },
  };
}

/** A name as Leases can have it. Source: sanitizeName of csi-lib-utils. */
export function sanitizeName(name: string): string {
  const sanitized = name.replace(/[^a-zA-Z0-9-]/g, '-');
  return sanitized.endsWith('-') ? `${sanitized}X` : sanitized;
}
