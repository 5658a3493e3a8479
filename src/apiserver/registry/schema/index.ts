export { cannotBeHandled, DecodeError, type DecodeReport, decode } from './decode.ts';
export { duplicateFields } from './duplicates.ts';
export { type Field, type FieldType, findModel, type Model, modelNames, modelOfKind } from './models.ts';
export { copyFrozen, deepFreeze } from './share.ts';
