export * from './field.ts';
export { validateMetadata, validateMetadataUpdate } from './metadata.ts';
export {
  isDNS1035Label,
  isDNS1123Label,
  isDNS1123Subdomain,
  isQualifiedName,
  validateLabels,
  validateWith,
} from './names.ts';
