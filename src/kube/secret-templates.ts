/** Which secret. */
export interface SecretReference {
  readonly name: string;
  readonly namespace: string;
}

/** What stands for a token in the templates of a secret's name and namespace. */
export interface SecretTokens {
  readonly name: ReadonlyMap<string, string>;
  /** Only what is not in the user's hands. */
  readonly namespace: ReadonlyMap<string, string>;
}

/**
 * The secret that templates name: `${token}` or `$token` stands for what the tokens say.
 * @throws Error for an unknown token, or a result that is no valid name.
 * Source: resolveTemplate of external-provisioner and external-snapshotter.
 */
export function resolveSecret(
  templates: { readonly name: string; readonly namespace: string },
  tokens: SecretTokens,
): SecretReference {
  return {
    namespace: resolve(templates.namespace, tokens.namespace, isLabel, 'namespace'),
    name: resolve(templates.name, tokens.name, isSubdomain, 'secret'),
  };
}

function resolve(
  template: string,
  tokens: ReadonlyMap<string, string>,
  isValid: (text: string) => boolean,
  what: string,
): string {
  const unknown = new Set<string>();
  const resolved = template.replaceAll(/\$\{([^}]*)\}|\$(\w+)/g, (_, braced: string, bare: string) => {
    const token = braced ?? bare;
    const value = tokens.get(token);
    if (value === undefined) unknown.add(token);
    return value ?? '';
  });
  const quoted = JSON.stringify(template);
  if (unknown.size > 0) {
    const list = [...unknown].sort().map((token) => JSON.stringify(token));
    throw new Error(`error resolving value ${quoted}: invalid tokens: [${list.join(' ')}]`);
  }
  if (isValid(resolved)) return resolved;
  const source = template === resolved ? quoted : `${quoted} resolved to ${JSON.stringify(resolved)} which`;
  throw new Error(`${source} is not a valid ${what} name`);
}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_FORM = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_FORM = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
const isLabel = (text: string) => text.length <= 63 && LABEL_FORM.test(text);
const isSubdomain = (text: string) => text.length <= 253 && SUBDOMAIN_FORM.test(text);
