import { type Clock, TimeoutError } from '../base/index.ts';
import type { KubeObject, Stored } from '../kube/index.ts';
import type { Informer } from './informer.ts';

/**
 * Resolves with the first truthy answer of `look`, which is asked now and after every change of the informers.
 * Rejects with a TimeoutError that names `what` after `limitMs`, or with the signal's reason.
 */
export function waitUntil<R>(
  informers: readonly Informer<never>[] | readonly Informer<KubeObject>[],
  look: () => R | undefined | false,
  options: { clock: Clock; limitMs: number; what: string; signal?: AbortSignal },
): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    const stops: (() => void)[] = [];
    let settled = false;
    const settle = (finish: () => void) => {
      if (settled) return;
      settled = true;
      timer.cancel();
      options.signal?.removeEventListener('abort', abort);
      for (const stop of stops) stop();
      finish();
    };
    const check = () => {
      if (settled) return;
      try {
        const answer = look();
        if (answer) settle(() => resolve(answer));
      } catch (error) {
        settle(() => reject(error));
      }
    };
    const abort = () => settle(() => reject(options.signal!.reason));
    const timer = options.clock.after(options.limitMs, () =>
      settle(() => reject(new TimeoutError(options.what, options.limitMs))),
    );
    options.signal?.addEventListener('abort', abort, { once: true });
    const handler = { added: check, updated: check, deleted: check };
    for (const informer of informers as readonly Informer<KubeObject>[]) {
      const stop = informer.on(handler as { added(object: Stored<KubeObject>): void });
      if (settled) stop();
      else stops.push(stop);
    }
    check();
  });
}
