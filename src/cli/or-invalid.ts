import { InvalidArgumentError } from 'commander';
import { errorMessage } from '../base/index.ts';

/** A reader of an option, which may be repeated, whose errors are the user's. */
export function orInvalid<T>(
  add: (text: string, before?: T) => T,
): (text: string, before: T | undefined) => T {
  return (text, before) => {
    try {
      return add(text, before);
    } catch (error) {
      throw new InvalidArgumentError(errorMessage(error));
    }
  };
}
