import { type StatusError, statusFailure } from '../../../kube/index.ts';
import type { UserInfo } from '../user.ts';
import type { Attributes } from './contract.ts';

/** 403 in the words of the API server (endpoints/handlers/responsewriters/errors.go). */
export function forbiddenFor(user: UserInfo, attributes: Attributes, reason = ''): StatusError {
  const why = withoutMarkup(whyNot(user, attributes)) + (reason === '' ? '' : `: ${reason}`);
  if ('path' in attributes) return statusFailure(403, 'Forbidden', `forbidden: ${why}`, {});
  const { group, name, resource } = attributes;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const subject = name ? `${qualified} ${JSON.stringify(name)}` : qualified;
  return statusFailure(403, 'Forbidden', `${subject} is forbidden: ${why}`, {
    name: name || undefined,
    group: group || undefined,
    kind: resource,
  });
}

function whyNot(user: UserInfo, attributes: Attributes): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${attributes.verb}`;
  if ('path' in attributes) return `${who} path ${JSON.stringify(attributes.path)}`;
  const { group, namespace, resource, subresource } = attributes;
  const what = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope';
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** A request chooses most of the words: none of them may become markup in a browser. */
function withoutMarkup(text: string): string {
  return text.replace(/[&<>]/g, (character) => ENTITIES[character]!);
}
