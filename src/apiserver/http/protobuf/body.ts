import { apiVersionOf } from '../../../kube/index.ts';
import { cannotBeHandled } from '../../registry/schema/index.ts';
import { decodeMessage } from './decode.ts';
import { openEnvelope, type TypeMeta } from './envelope.ts';
import { type Kind, kindOf, messageOfKind } from './kinds.ts';
import { WireError } from './reader.ts';

/**
 * The object in a protobuf body, in the JSON form of its kind; only its type when that is of another kind than `wanted`.
 * @throws WireError when there is no message; StatusError 400 when the message is not one of its kind.
 */
export function objectOfProtobuf(body: Buffer, wanted: Kind): TypeMeta & object {
  const { raw, ...type } = openEnvelope(body);
  const apiVersion = type.apiVersion || apiVersionOf(wanted);
  const kind = type.kind || wanted.kind;
  // Options are of every group that they are sent to.
  const isOptions = kind === 'DeleteOptions';
  const message = messageOfKind(isOptions ? wanted : kindOf(apiVersion, kind));
  if (!message || kind !== wanted.kind) return { apiVersion, kind };
  try {
    return { apiVersion, kind, ...decodeMessage(message, raw) };
  } catch (error) {
    if (error instanceof WireError)
      throw cannotBeHandled(kind, kindOf(apiVersion, kind).version, error.message);
    throw error;
  }
}
