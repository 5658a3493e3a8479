import type { DescMethod, Message } from '@bufbuild/protobuf';

/** How one call is made. */
export interface CallOptions {
  /** Milliseconds until the call fails with DEADLINE_EXCEEDED; `Infinity`: never. @default the client's `timeoutMs` */
  timeoutMs?: number | undefined;
  /** Aborting it fails the call with CANCELLED. The driver is told, but may finish what it began. */
  signal?: AbortSignal | undefined;
  /** Wait, up to the deadline, for a driver that cannot be reached, rather than fail with UNAVAILABLE. @default false */
  waitForReady?: boolean | undefined;
}

/** CallOptions after defaults. */
export interface ChannelCallOptions {
  timeoutMs: number;
  signal: AbortSignal | undefined;
  waitForReady: boolean;
}

/**
 * What carries calls to a server: a socket or, in memory, the server's own routes. Failures are CsiStatus.
 * A request has been created from `method.input`, an answer is a message of `method.output`.
 */
export interface Channel {
  /** For messages to people: `unix:///run/csi.sock`, or `memory:`. */
  readonly endpoint: string;
  unary(method: DescMethod, request: Message, options: ChannelCallOptions): Promise<Message>;
  stream(method: DescMethod, request: Message, options: ChannelCallOptions): AsyncIterable<Message>;
  /** Resolves when the server is no longer connected, or the signal aborts; at once when it is not connected now. */
  lost(signal: AbortSignal): Promise<void>;
  /** Pending and later calls fail with CANCELLED. */
  close(): void;
}
