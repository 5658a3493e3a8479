import type { LogOptions } from './read-log.ts';

/**
 * The options of a log request.
 * @throws Error that names the parameter which cannot be read.
 */
export function parseLogQuery(query: URLSearchParams, nowMs: number): LogOptions {
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    if (!/^\d+$/.test(text))
      throw new Error(`invalid log options: ${name}: ${JSON.stringify(text)} is not a number`);
    return Number(text);
  };
  const flag = (name: string) => {
    const text = query.get(name);
    return text !== null && text !== 'false' && text !== '0';
  };
  const sinceSeconds = number('sinceSeconds');
  const sinceTime = query.get('sinceTime');
  let sinceMs = sinceSeconds === undefined ? undefined : nowMs - sinceSeconds * 1000;
  if (sinceTime) {
    sinceMs = Date.parse(sinceTime);
    if (Number.isNaN(sinceMs))
      throw new Error(`invalid log options: sinceTime: ${JSON.stringify(sinceTime)} is not an RFC 3339 time`);
  }
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    sinceMs,
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes'),
  };
}
