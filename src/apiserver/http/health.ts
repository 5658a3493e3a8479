/** Something that must hold for the server to be healthy or ready. */
export interface HealthCheck {
  readonly name: string;
  /** Why it does not hold; `undefined` when it does. */
  check(): string | undefined;
}

export interface HealthReport {
  readonly ok: boolean;
  readonly text: string;
}

/**
 * The answer of /healthz, /livez or /readyz in the server's words (apiserver/pkg/server/healthz). The reasons of a
 * failure are for the log: everybody may read these paths.
 */
export function healthReport(
  path: string,
  checks: readonly HealthCheck[],
  verbose: boolean,
  excluded: readonly string[],
): HealthReport {
  const name = path.slice(1);
  const results = checks.map((check) => ({
    name: check.name,
    excluded: excluded.includes(check.name),
    failed: !excluded.includes(check.name) && check.check() !== undefined,
  }));
  const lines = results.map(({ name: check, excluded: skip, failed }) => {
    if (skip) return `[+]${check} excluded: ok`;
    return failed ? `[-]${check} failed: reason withheld` : `[+]${check} ok`;
  });
  const unknown = [...new Set(excluded)].filter((one) => !checks.some((check) => check.name === one)).sort();
  if (unknown.length > 0)
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${unknown.map((one) => JSON.stringify(one)).join(', ')}`,
    );
  const ok = results.every((result) => !result.failed);
  if (!ok) return { ok, text: `${[...lines, `${name} check failed`].join('\n')}\n` };
  return { ok, text: verbose ? `${[...lines, `${name} check passed`].join('\n')}\n` : 'ok' };
}

/** The answer of a check's own path, e.g. /livez/ping: only those who may ask for it so get to know why it fails. */
export function checkReport(check: HealthCheck): HealthReport {
  const why = check.check();
  return why === undefined
    ? { ok: true, text: 'ok' }
    : { ok: false, text: `internal server error: ${why}\n` };
}
