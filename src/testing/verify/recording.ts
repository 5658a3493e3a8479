import type { DescMethod, Message } from '@bufbuild/protobuf';
import { errorMessage } from '../../base/index.ts';
import { type Channel, CsiStatus, codeName, redact, secretValues, stripSecrets } from '../../csi/index.ts';
import type { Ledger } from './ledger.ts';
import { type Secrets, secretName } from './secrets.ts';
import type { CallSeen } from './violation.ts';

/** Requests and answers are shown up to this length: a page of volumes can be long. */
const MAX_SHOWN_LENGTH = 600;

export interface RecordingOptions {
  readonly secrets: Secrets;
  readonly ledger: Ledger;
  onCall(call: CallSeen): void;
}

/** A channel that gives each request its secrets, and tells of each call how it went. */
export function recordingChannel(channel: Channel, options: RecordingOptions): Channel {
  const { secrets, ledger, onCall } = options;
  return {
    endpoint: channel.endpoint,
    lost: (signal) => channel.lost(signal),
    close: () => channel.close(),
    async unary(method, request, callOptions) {
      giveSecrets(method, request, secrets);
      try {
        const response = await channel.unary(method, request, callOptions);
        onCall(seen(method, request, response));
        ledger.record(method.name, request, response);
        return response;
      } catch (error) {
        onCall(failed(method, request, error));
        throw error;
      }
    },
    async *stream(method, request, callOptions) {
      giveSecrets(method, request, secrets);
      let last: Message | undefined;
      try {
        for await (const response of channel.stream(method, request, callOptions)) {
          last = response;
          yield response;
        }
        onCall(seen(method, request, last));
      } catch (error) {
        onCall(failed(method, request, error));
        throw error;
      }
    },
  };
}

/** The request has been made for this call alone. */
function giveSecrets(method: DescMethod, request: Message, secrets: Secrets): void {
  const wanted = secrets[secretName(method.name)];
  if (wanted && 'secrets' in request) request.secrets = { ...wanted };
}

function seen(method: DescMethod, request: Message, response: Message | undefined): CallSeen {
  const came = response ? `OK ${shown(stripSecrets(method.output, response))}` : 'OK, and no message';
  return { asked: asked(method, request), came };
}

function failed(method: DescMethod, request: Message, error: unknown): CallSeen {
  const came =
    error instanceof CsiStatus
      ? `${codeName(error.code)}: ${redact(error.details, secretValues(method.input, request))}`
      : errorMessage(error);
  return { asked: asked(method, request), came };
}

function asked(method: DescMethod, request: Message): string {
  return `${method.name} ${shown(stripSecrets(method.input, request))}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}…` : text;
}
