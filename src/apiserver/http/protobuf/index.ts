export { objectOfProtobuf } from './body.ts';
export { PROTOBUF_TYPE, type TypeMeta } from './envelope.ts';
export { type Kind, kindOf } from './kinds.ts';
export {
  entryProtobuf,
  errorFrame,
  eventFrame,
  hasProtobuf,
  listProtobuf,
  partialListProtobuf,
  partialProtobuf,
  protobufOf,
} from './objects.ts';
export { WireError } from './reader.ts';
