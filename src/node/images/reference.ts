/** An image's name, as far as it is looked at here (distribution/reference). */
const DOMAIN = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?';
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REFERENCE = new RegExp(
  `^(?:${DOMAIN}/)?${COMPONENT}(?:/${COMPONENT})*(:[\\w][\\w.-]{0,127})?(@sha256:[a-f0-9]{64})?$`,
);
const MAX_LENGTH = 4096;

/**
 * The name with the tag that it means (applyDefaultImageTag).
 * @throws Error in the kubelet's words when it is none.
 */
export function withTag(name: string): string {
  const match = name.length <= MAX_LENGTH ? REFERENCE.exec(name) : null;
  if (!match) throw new Error(`couldn't parse image name ${JSON.stringify(name)}: invalid reference format`);
  const [, tag, digest] = match;
  return tag || digest ? name : `${name}:latest`;
}
