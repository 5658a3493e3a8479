import { Informers } from './informer.ts';

export interface ControllerParts {
  /** The caches that must hold their first list before anything is decided by them. */
  readonly informers: Readonly<Record<string, { readonly synced: Promise<void> }>>;
  /** Begins to listen to the caches; the functions that it returns end that. */
  listen(): readonly (() => void)[];
  /** What works until the signal aborts: controllers, or loops of another kind. */
  readonly loops: readonly { run(signal: AbortSignal): Promise<void> }[];
}

/** The life of a component made of controllers. Resolves when stopped, with nothing left running or listening. */
export async function runControllers(
  signal: AbortSignal,
  { informers, listen, loops }: ControllerParts,
): Promise<void> {
  await Informers.synced(signal, ...Object.values(informers));
  if (signal.aborted) return;
  const stops = listen();
  try {
    await Promise.all(loops.map((loop) => loop.run(signal)));
  } finally {
    for (const stop of stops) stop();
  }
}
