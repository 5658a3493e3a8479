import type { TraceRecord } from '../base/index.ts';

/** The steps of a volume's life that people are shown, there and back. */
export const STEPS_SHOWN: ReadonlySet<string> = new Set([
  'claim',
  'provision',
  'bind',
  'schedule',
  'attach',
  'mount',
  'run',
  'stop',
  'unmount',
  'detach',
  'delete',
]);

/** One ended step on one line: journey, step, duration, and the reason when it failed. */
export function journeyLine(record: TraceRecord): string {
  const { volume, node, pod } = record.attributes;
  const where = [pod && `pod ${pod}`, node && `on ${node}`, volume].filter(Boolean).join(' ');
  const outcome = record.outcome === 'failed' ? `FAILED: ${record.reason}` : where;
  const duration = `${(record.durationMs ?? 0).toFixed(1)} ms`;
  return `  ${record.journey.padEnd(28)} ${record.step.padEnd(10)} ${duration.padStart(10)}  ${outcome}`;
}
