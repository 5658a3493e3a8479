import { InvalidArgumentError, Option } from 'commander';
import { durationText, parseDuration } from '../base/index.ts';

/** An option whose value is in milliseconds; --help says its default as it would be given. */
export function durationOption(flag: string, description: string, defaultMs: number, leastMs = 1): Option {
  return new Option(`${flag} <duration>`, description)
    .argParser((text: string) => {
      const ms = parseDuration(text);
      if (ms === undefined || ms < leastMs)
        throw new InvalidArgumentError('It must be a duration such as 15s or 1m30s.');
      return ms;
    })
    .default(defaultMs, durationText(defaultMs));
}
