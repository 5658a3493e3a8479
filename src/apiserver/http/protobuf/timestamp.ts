import { WireError } from './reader.ts';

/** The time of Go's zero value, which stands for no time. */
const ZERO_SECONDS = Date.parse('0001-01-01T00:00:00Z') / 1000;
const MAX_SECONDS = Date.parse('9999-12-31T23:59:59Z') / 1000;

export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

/** The timestamp of a time in RFC 3339 with up to six digits of a second; `undefined` for the zero time. */
export function timestampOf(text: string): Timestamp | undefined {
  const point = text.indexOf('.');
  const seconds = Date.parse(point < 0 ? text : `${text.slice(0, point)}Z`) / 1000;
  if (seconds === ZERO_SECONDS) return undefined;
  const fraction = point < 0 ? '' : text.slice(point + 1, -1);
  return { seconds, nanos: Number(fraction.padEnd(9, '0')) };
}

/** A timestamp in RFC 3339: whole seconds, or microseconds. */
export function textOfTimestamp({ seconds, nanos }: Timestamp, micro: boolean): string | undefined {
  if (seconds === ZERO_SECONDS) return undefined;
  if (!(seconds > ZERO_SECONDS && seconds <= MAX_SECONDS))
    throw new WireError(`time ${seconds}: year outside of range [1,9999]`);
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (!micro) return `${text}Z`;
  if (!(nanos >= 0 && nanos < 1e9)) throw new WireError(`nanoseconds ${nanos}: not within a second`);
  return `${text}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`;
}
