export * from './field.ts';
export {
  unqualifiedFinalizers,
  validateFinalizerNames,
  validateMetadata,
  validateMetadataUpdate,
} from './metadata.ts';
export {
  isDNS1035Label,
  isDNS1123Label,
  isDNS1123Subdomain,
  isLabelValue,
  isPathSegment,
  isQualifiedName,
  type NameRule,
  validateAnnotations,
  validateLabels,
  validateWith,
} from './names.ts';
