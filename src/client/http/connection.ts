import type { Clock } from '../../base/index.ts';

/** How to reach an API server, and who is calling. Holds secrets. */
export interface HttpConnection {
  /** e.g. https://127.0.0.1:6443; a path is a prefix of every request's. */
  readonly server: string;
  /** The authority that signed the server's certificate, PEM; absent: those that Node knows. */
  readonly ca?: string;
  /** The client's certificate and key, PEM. */
  readonly cert?: string;
  readonly key?: string;
  /** A bearer token, or where to get one that is still valid. */
  readonly token?: string | (() => Promise<string | undefined>);
  /** The name that the server's certificate must have, when it is not the host of `server`. */
  readonly serverName?: string;
  /** Takes any certificate of the server. @default false */
  readonly insecureSkipTlsVerify?: boolean;
}

export interface HttpClientOptions extends HttpConnection {
  readonly clock: Clock;
  /** Names the client to the server, and its writes in managedFields up to the slash. e.g. stowage-scheduler/0.1.0 */
  readonly userAgent: string;
  /** How long a request other than a watch may take, in milliseconds. @default 60000 */
  readonly requestTimeoutMs?: number;
}
