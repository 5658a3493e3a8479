export { aborted, firstAborted } from './abort.ts';
export { type BackoffPolicy, backoffDelay } from './backoff.ts';
export {
  type Clock,
  rfc3339,
  rfc3339Micro,
  sleep,
  systemClock,
  TimeoutError,
  type Timer,
  withDeadline,
} from './clock.ts';
export { FakeClock, turn } from './fake-clock.ts';
export { deepFreeze } from './freeze.ts';
export { durationText, parseDuration } from './go-duration.ts';
export { InTurn } from './in-turn.ts';
export {
  createLogger,
  errorMessage,
  LOG_LEVELS,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogSink,
  silentLogger,
} from './log.ts';
export {
  type Counter,
  type Histogram,
  type LabelValues,
  METRICS_CONTENT_TYPE,
  type MetricOptions,
  Metrics,
} from './metrics.ts';
export { createHttpServer, httpRequest, ServerResponse } from './plain-http.ts';
export { addProcessMetrics } from './process-metrics.ts';
export { nameSuffix, type Random, seededRandom, systemRandom, unrepeatableBytes } from './random.ts';
export { sharedTicks } from './shared-ticks.ts';
export { trimEndOf } from './text.ts';
export { type Span, Trace, type TraceRecord } from './trace.ts';
export { type RunEnd, VirtualClock } from './virtual-clock.ts';
