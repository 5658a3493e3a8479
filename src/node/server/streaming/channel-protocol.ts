/** Channels of remote commands; the first three are the command's descriptors (wsstream, remotecommand/constants.go). */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
/** In place of a channel: the one that the next byte names is at its end. */
const CLOSE_SIGNAL = 255;
const ZERO = '0'.charCodeAt(0);

/** How several streams travel in the messages of one WebSocket. */
export interface ChannelProtocol {
  /** '' is what a client gets that asks for none. */
  readonly name: string;
  /** Messages are base64 text behind a digit. */
  readonly base64: boolean;
  /** The client can end its input and stay. */
  readonly closeSignal: boolean;
  /** The outcome is a Status; without it, the text of a failure. */
  readonly status: boolean;
}

const PROTOCOLS: readonly ChannelProtocol[] = [
  { name: 'v5.channel.k8s.io', base64: false, closeSignal: true, status: true },
  { name: 'v4.channel.k8s.io', base64: false, closeSignal: false, status: true },
  { name: 'v4.base64.channel.k8s.io', base64: true, closeSignal: false, status: true },
  { name: 'channel.k8s.io', base64: false, closeSignal: false, status: false },
  { name: 'base64.channel.k8s.io', base64: true, closeSignal: false, status: false },
  { name: '', base64: false, closeSignal: false, status: false },
];

/** The names in a Sec-WebSocket-Protocol header. */
export function requestedProtocols(header: string | undefined): string[] {
  return (header ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}

/** The first that the client asks for and that we speak. */
export function chooseProtocol(requested: readonly string[]): ChannelProtocol | undefined {
  const wanted = requested.length === 0 ? [''] : requested;
  for (const name of wanted) {
    const found = PROTOCOLS.find((protocol) => protocol.name === name);
    if (found) return found;
  }
  return undefined;
}

/** What a message says. */
export type ChannelMessage =
  | { readonly kind: 'data'; readonly channel: number; readonly data: Buffer }
  | { readonly kind: 'close'; readonly channel: number }
  /** Passed over, as upstream does. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'malformed'; readonly why: string };

export function decodeMessage(protocol: ChannelProtocol, message: Buffer): ChannelMessage {
  if (message.length === 0) return { kind: 'nothing' };
  const first = message[0]!;
  if (protocol.closeSignal && first === CLOSE_SIGNAL) {
    if (message.length !== 2)
      return { kind: 'malformed', why: 'Single channel byte should follow stream close signal' };
    const channel = message[1]!;
    if (channel > CHANNEL.resize)
      return { kind: 'malformed', why: 'Close is targeted for a channel that is not valid' };
    return { kind: 'close', channel };
  }
  const channel = protocol.base64 ? first - ZERO : first;
  if (channel < 0 || channel > CHANNEL.resize) return { kind: 'nothing' };
  const body = message.subarray(1);
  if (!protocol.base64) return { kind: 'data', channel, data: body };
  const text = body.toString('latin1');
  if (!isBase64(text)) return { kind: 'nothing' };
  return { kind: 'data', channel, data: Buffer.from(text, 'base64') };
}

/** Looks for what does not belong: one expression for the whole of it would need a stack as deep as the text is long. */
function isBase64(text: string): boolean {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return text.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(text.slice(0, text.length - padding));
}

/** A message: text for a protocol of base64, bytes otherwise. */
export function encodeMessage(protocol: ChannelProtocol, channel: number, data: Uint8Array): Buffer | string {
  if (protocol.base64) return String(channel) + Buffer.from(data).toString('base64');
  const message = Buffer.allocUnsafe(data.length + 1);
  message[0] = channel;
  message.set(data, 1);
  return message;
}
