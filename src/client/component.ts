import type { Clock, Logger, Random, Trace } from '../base/index.ts';
import type { Client } from './client.ts';
import type { Informers } from './informer.ts';
import type { QueueObservers } from './queue-metrics.ts';
import type { EventRecorder } from './recorder.ts';

/** What a component is given. Nothing is global: time, chance, the API and the log all come from here. */
export interface ComponentContext {
  readonly client: Client;
  /** Shared by the components of a process. Ask for what you need in the constructor or at the start. */
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly trace: Trace;
  /** Measure work queues under upstream's names. @default they are not measured */
  readonly queues?: QueueObservers | undefined;
  /** A recorder whose events name `component` (and `host`) as their source. */
  recorder(component: string, host?: string): EventRecorder;
}

/** A box of the picture: it works until the signal aborts. */
export interface Component {
  readonly name: string;
  /** Resolves when stopped, with nothing left running; rejects only when it cannot go on. */
  start(signal: AbortSignal): Promise<void>;
}
