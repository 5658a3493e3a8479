/** What one connection may cost. Times in milliseconds. */
export interface Limits {
  /** For the TLS handshake. */
  readonly handshakeMs: number;
  /** For the head of a request, from its first byte or from the connection's begin (ReadHeaderTimeout). */
  readonly headersMs: number;
  /** From the first byte of a request to the last of its answer, but for watches and streams (--request-timeout). */
  readonly requestMs: number;
  /** How long a connection is kept that nobody uses: longer than Go's clients keep theirs (90 s). */
  readonly keepAliveMs: number;
  /** A watch whose client takes nothing for so long is over. */
  readonly unreadMs: number;
  /** How often connections are looked at that have reached one of these limits. */
  readonly lookMs: number;
  /** Connections at a time: each holds memory and a file descriptor, whoever has opened it. */
  readonly maxConnections: number;
}

export const DEFAULT_LIMITS: Limits = {
  handshakeMs: 10_000,
  headersMs: 32_000,
  requestMs: 60_000,
  keepAliveMs: 120_000,
  unreadMs: 300_000,
  lookMs: 2_000,
  maxConnections: 20_000,
};
