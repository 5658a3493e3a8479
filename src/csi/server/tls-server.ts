import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type * as Grpc from '@grpc/grpc-js';
import type { Clock } from '../../base/index.ts';
import { serverOf, stopServer } from './grpc-server.ts';
import type { Routes } from './router.ts';

/** A certificate, with those that vouch for it, and its key; both PEM. */
export interface ServerKeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What is demanded of connections. @default Node's */
export type TlsDemands = Pick<SecureContextOptions, 'minVersion' | 'ciphers' | 'ecdhCurve'>;

export interface ServeTlsOptions {
  /** `::` is every address of the machine. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly keyPair: ServerKeyPair;
  readonly demands?: TlsDemands | undefined;
  readonly clock: Clock;
}

/** A gRPC server on a TCP port. */
export interface TlsServer {
  readonly port: number;
  /** New connections are served with this one. @throws Error if it is none; the former one stays. */
  setKeyPair(keyPair: ServerKeyPair): void;
  /** Waits for running calls, and aborts those that take longer. @default 5000 */
  stop(options?: { graceMs?: number }): Promise<void>;
}

const DEFAULT_GRACE_MS = 5000;

/** Serves routes by gRPC over TLS, for callers that come by the network. @throws Error when the port cannot be had. */
export async function serveTls(routes: Routes, options: ServeTlsOptions): Promise<TlsServer> {
  const { host, clock, keyPair, demands } = options;
  const grpc = await import('@grpc/grpc-js');
  const credentials = tlsCredentials(grpc, contextOf(keyPair, demands));
  const server = serverOf(grpc, routes, clock);
  const port = await new Promise<number>((resolve, reject) => {
    const address = `${host.includes(':') ? `[${host}]` : host}:${options.port}`;
    server.bindAsync(address, credentials, (error, bound) =>
      error ? reject(new Error(`listen on ${address}: ${error.message}`, { cause: error })) : resolve(bound),
    );
  }).catch((error: unknown) => {
    server.forceShutdown();
    throw error;
  });
  let stopped: Promise<void> | undefined;
  return {
    port,
    setKeyPair: (next) => credentials.replace(contextOf(next, demands)),
    stop({ graceMs = DEFAULT_GRACE_MS } = {}) {
      stopped ??= stopServer(server, clock, graceMs);
      return stopped;
    },
  };
}

/** @throws Error for a certificate and key that are none, or are not of each other. */
function contextOf({ cert, key }: ServerKeyPair, demands: TlsDemands | undefined): SecureContextOptions {
  const context = { cert, key, ...demands };
  createSecureContext(context);
  return context;
}

interface ReplaceableCredentials extends Grpc.ServerCredentials {
  replace(context: SecureContextOptions): void;
}

/** The library's own take no demands, and renew certificates by timers of their own. */
function tlsCredentials(grpc: typeof Grpc, first: SecureContextOptions): ReplaceableCredentials {
  class Tls extends grpc.ServerCredentials {
    constructor() {
      super({}, first);
    }
    replace(context: SecureContextOptions): void {
      this.updateSecureContextOptions(context);
    }
    _equals(other: Grpc.ServerCredentials): boolean {
      return other === this;
    }
  }
  return new Tls();
}
