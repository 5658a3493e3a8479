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
  const ok = results.every((result) => !result.failed);
  if (!ok) return { ok, text: `${[...lines, `${name} check failed`].join('\n')}\n` };
  return { ok, text: verbose ? `${[...lines, `${name} check passed`].join('\n')}\n` : 'ok' };
}
