import type { Clock, Timer } from './clock.ts';

interface Tick {
  readonly timer: Timer;
  readonly callbacks: Set<() => void>;
}

/**
 * A clock whose timers go off at whole ticks of `tickMs` only, never early: all that are due in one tick share one timer
 * of the clock beneath. For thousands of parts that each do a little now and then: their work, and the writes that it
 * makes, come together instead of one by one.
 */
export function sharedTicks(clock: Clock, tickMs: number): Clock {
  const ticks = new Map<string, Tick>();
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    soon: (callback) => clock.soon(callback),
    after(delayMs, callback, options) {
      const now = clock.monotonic();
      const number = Math.ceil((now + delayMs) / tickMs);
      const key = `${number} ${options?.unref === true}`;
      let tick = ticks.get(key);
      if (!tick) {
        const callbacks = new Set<() => void>();
        const fire = () => {
          ticks.delete(key);
          for (const call of callbacks) call();
        };
        tick = { timer: clock.after(number * tickMs - now, fire, options), callbacks };
        ticks.set(key, tick);
      }
      const { callbacks, timer } = tick;
      // One callback may be given several times.
      const call = () => callback();
      callbacks.add(call);
      return {
        cancel() {
          if (!callbacks.delete(call) || callbacks.size > 0 || ticks.get(key)?.callbacks !== callbacks)
            return;
          timer.cancel();
          ticks.delete(key);
        },
      };
    },
  };
}
