export * from './field.ts';
export {
  unqualifiedFinalizers,
  validateFinalizerNames,
  validateMetadata,
  validateMetadataUpdate,
} from './metadata.ts';
export {
  isConfigKey,
  isDNS1035Label,
  isDNS1123Label,
  isDNS1123Subdomain,
  isDNS1123SubdomainWithUnderscore,
  isLabelValue,
  isPathSegment,
  isQualifiedName,
  type NameRule,
  validateAnnotations,
  validateLabels,
  validateWith,
} from './names.ts';
