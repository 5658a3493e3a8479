import { type Clock, type Logger, type Metrics, systemClock, systemRandom, Trace } from '../base/index.ts';
import { createHttpClient, type HttpConnection } from '../client/http/index.ts';
import { type Client, Informers, limitRate, queueMetrics, type RateLimit } from '../client/index.ts';
import { type ContextOf, contexts } from './actors.ts';
import { Running } from './running.ts';

export interface StandaloneOptions {
  /** The API server, and who this process is. */
  readonly connection: HttpConnection;
  readonly userAgent: string;
  readonly log: Logger;
  /** @default as fast as the server allows */
  readonly limit?: RateLimit | undefined;
  /** Where work queues are measured. @default nowhere */
  readonly metrics?: Metrics | undefined;
  /** How what the informers hold is read. @default all of it */
  readonly reads?: (client: Client, clock: Clock) => Client;
}

/** What components of a process of its own have in common. */
export interface Standalone {
  readonly clock: Clock;
  readonly log: Logger;
  readonly running: Running;
  /** Whoever is asked for: all act as the user of the connection. */
  readonly contextOf: ContextOf;
  /** Without a limit: a lease must be renewed however much there is to do. */
  readonly client: Client;
}

/** Components on any API server, in a process without one. They share a connection and the informers. */
export function openStandalone(options: StandaloneOptions): Standalone {
  const { connection, userAgent, log, limit, metrics } = options;
  const [clock, random] = [systemClock, systemRandom];
  const running = new Running(log);
  const client = createHttpClient({ ...connection, clock, userAgent });
  const limited = limit ? limitRate(client, limit, clock) : client;
  const reader = options.reads?.(limited, clock) ?? limited;
  const informers = new Informers({ client: reader, clock, random, log });
  const door = { open: async () => limited, close: () => client.close() };
  const queues = metrics && queueMetrics(metrics, clock);
  const shared = { informers, clock, random, log, queues, trace: new Trace(clock) };
  const contextOf = contexts(shared, door, running);
  running.start({ name: 'informers', start: (signal) => informers.start(signal) });
  return { clock, log, running, contextOf, client };
}
