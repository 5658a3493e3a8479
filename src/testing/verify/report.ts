import type { Violation } from './violation.ts';

/** How a check ended. `blocked`: a call before it failed, so that it could not be made. */
export type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly violation: Pick<Violation, 'asked' | 'came' | 'says' | 'advice'> }
  | { readonly kind: 'blocked'; readonly reason: string }
  | { readonly kind: 'skipped'; readonly reason: string };

export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly section: string;
  readonly durationMs: number;
  readonly outcome: Outcome;
}

export interface Report {
  readonly driver: { readonly name: string; readonly vendorVersion: string; readonly endpoint: string };
  /** What the driver claims, by service. */
  readonly claims: Readonly<Record<string, readonly string[]>>;
  readonly results: readonly CheckResult[];
}

export type OutcomeKind = Outcome['kind'];

export function count(report: Report, kind: OutcomeKind): number {
  return report.results.filter(({ outcome }) => outcome.kind === kind).length;
}

/** Every check that applies was made and met. */
export function isConformant(report: Report): boolean {
  return report.results.every(({ outcome }) => outcome.kind === 'passed' || outcome.kind === 'skipped');
}
