import { type Clock, errorMessage, type Logger, type Timer } from '../../base/index.ts';

/** Who hears how a change of ownership goes. */
export interface OwnershipReporter {
  readonly podUid: string;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  /** Tells the pod that it takes long. */
  tell(message: string): void;
}

/** Source: firstEventReportDuration, progressReportDuration of pkg/volume/volume_linux.go. */
const FIRST_REPORT_MS = 30_000;
const REPORT_MS = 60_000;
const ADVICE =
  'consider using OnRootMismatch - https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods';

/** Tells the pod when giving its volume to its group takes long: what it waits for, how far it is. */
export class OwnershipProgress {
  readonly #path: string;
  readonly #reporter: OwnershipReporter | undefined;
  #timer: Timer | undefined;
  #kept: { count: number; readonly first: string } | undefined;
  /** Files and directories so far. */
  processed = 0;

  constructor(path: string, reporter?: OwnershipReporter) {
    this.#path = path;
    this.#reporter = reporter;
    const name = this.#name();
    this.#after(
      FIRST_REPORT_MS,
      () => `Setting volume ownership for ${name} is taking longer than expected, ${ADVICE}`,
    );
  }

  /** A file stays as it is. */
  kept(error: unknown): void {
    this.#kept ??= { count: 0, first: errorMessage(error) };
    this.#kept.count++;
  }

  end(): void {
    this.#timer?.cancel();
    // One line, whatever the size of the volume.
    if (this.#kept)
      this.#reporter?.log.warn('files of a volume cannot be given to the pod’s group', {
        path: this.#path,
        files: this.#kept.count,
        error: this.#kept.first,
      });
  }

  #after(delayMs: number, message: () => string): void {
    const { clock, tell } = this.#reporter ?? {};
    this.#timer = clock?.after(
      delayMs,
      () => {
        tell!(message());
        const name = this.#name();
        this.#after(
          REPORT_MS,
          () => `Setting volume ownership for ${name}, processed ${this.processed} files.`,
        );
      },
      { unref: true },
    );
  }

  /** From the pod's UID on: what is before it is the node's affair. */
  #name(): string {
    const at = this.#path.indexOf(this.#reporter?.podUid ?? '');
    return at < 0 ? this.#path : this.#path.slice(at);
  }
}
