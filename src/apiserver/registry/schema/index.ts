export { cannotBeHandled, DecodeError, decode } from './decode.ts';
export { type Field, type FieldType, findModel, type Model, modelOfKind } from './models.ts';
export { copyFrozen, freezeRest, setOwn } from './share.ts';
