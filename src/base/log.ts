/** What a log line carries beside its message. Never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each of its lines. */
  child(fields: LogFields): Logger;
}

/** Where lines go: one call a line, without the line feed. */
export type LogSink = (line: string) => void;

/**
 * Structured logging, one JSON object a line: time (milliseconds since the epoch), level, message, fields.
 * An Error among the fields is written as its message and stack.
 */
export function createLogger(options: {
  level: LogLevel;
  now: () => number;
  sink: LogSink;
  fields?: LogFields;
}): Logger {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const write = (level: LogLevel, message: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    options.sink(
      JSON.stringify({ time: options.now(), level, message, ...options.fields, ...fields }, plain),
    );
  };
  return {
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    child: (fields) => createLogger({ ...options, fields: { ...options.fields, ...fields } }),
  };
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { message: value.message, stack: value.stack };
  return typeof value === 'bigint' ? value.toString() : value;
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

/** The text of anything thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
