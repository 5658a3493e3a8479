export * from './field.ts';
export {
  unqualifiedFinalizers,
  validateFinalizerNames,
  validateMetadata,
  validateMetadataUpdate,
} from './metadata.ts';
export * from './names.ts';
