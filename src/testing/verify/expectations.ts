import { Code, CsiError } from '../../csi/index.ts';
import { Blocked, type CallSeen, Violation } from './violation.ts';

type CodeName = keyof typeof Code;

/** What is expected of answers. A violation shows the last call that was made. */
export class Expectations {
  readonly #calls: readonly CallSeen[];

  /** @param calls those made so far, oldest first; it grows with each. */
  constructor(calls: readonly CallSeen[]) {
    this.#calls = calls;
  }

  /** A call that is not what the check is about: if it fails, another check says so. */
  async prepare<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (error instanceof CsiError) throw new Blocked(error.message);
      throw error;
    }
  }

  /** The call must succeed. */
  async answers<T>(call: Promise<T>, says: string, advice = 'answer OK'): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (error instanceof CsiError) throw this.violation(says, advice);
      throw error;
    }
  }

  /** The call must fail with one of the codes. */
  async refuses(call: Promise<unknown>, codes: readonly CodeName[], says: string): Promise<void> {
    const advice = `answer ${codes.join(' or ')}`;
    try {
      await call;
    } catch (error) {
      if (!(error instanceof CsiError)) throw error;
      if (codes.includes(error.codeName)) return;
      throw this.violation(says, advice);
    }
    throw this.violation(says, advice);
  }

  /** The call must succeed, or fail with one of the codes. */
  async answersOr<T>(call: Promise<T>, codes: readonly CodeName[], says: string): Promise<T | undefined> {
    try {
      return await call;
    } catch (error) {
      if (!(error instanceof CsiError)) throw error;
      if (codes.includes(error.codeName)) return undefined;
      throw this.violation(says, `answer OK or ${codes.join(' or ')}`);
    }
  }

  /** The last answer must be so. */
  demand(holds: boolean, says: string, advice: string): void {
    if (!holds) throw this.violation(says, advice);
  }

  /**
   * The same call several times at once: each may be answered, or told with ABORTED that another is pending, and one at
   * least is answered. Resolves to the answers.
   */
  async atOnce<T>(times: number, call: (index: number) => Promise<T>): Promise<T[]> {
    const before = this.#calls.length;
    const results = await Promise.allSettled(Array.from({ length: times }, (_, index) => call(index)));
    const says = 'calls for the same thing at once are served, or refused with ABORTED while one is pending';
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      if (!(result.reason instanceof CsiError)) throw result.reason;
      if (result.reason.code !== Code.ABORTED)
        throw new Violation(
          {
            asked: `${times} times at once: ${this.#calls[before]?.asked}`,
            came: result.reason.message,
          },
          says,
          'let calls for one volume wait for one another, or answer ABORTED',
        );
    }
    const answers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    this.demand(answers.length > 0, says, 'serve the first of them');
    return answers;
  }

  /** A violation that the last call shows. */
  violation(says: string, advice: string): Violation {
    const call = this.#calls.at(-1) ?? { asked: 'nothing yet', came: 'nothing' };
    return new Violation(call, says, advice);
  }
}
