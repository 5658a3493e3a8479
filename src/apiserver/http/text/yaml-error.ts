/** The text is not YAML, or more than is taken. */
export class YamlSyntaxError extends Error {
  override name = 'YamlSyntaxError';
}
