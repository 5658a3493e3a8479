import { trimEndOf } from '../../../../base/index.ts';
import type { PolicyRule } from '../../../../kube/index.ts';
import type { Attributes } from '../contract.ts';

// How one rule is read (Kubernetes 1.36, pkg/apis/rbac/v1/evaluation_helpers.go).

/** Whether a rule allows a request. */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!hasOrAll(rule.verbs, attributes.verb)) return false;
  if ('path' in attributes) return urlMatches(rule.nonResourceURLs, attributes.path);
  return (
    hasOrAll(rule.apiGroups, attributes.group) &&
    resourceMatches(rule.resources, attributes.resource, attributes.subresource ?? '') &&
    nameMatches(rule.resourceNames, attributes.name ?? '')
  );
}

function hasOrAll(values: readonly string[] | undefined, value: string): boolean {
  return values !== undefined && (values.includes('*') || values.includes(value));
}

/** `*` is everything, subresources too; `*` + `/scale` is the subresource of anything. */
function resourceMatches(
  resources: readonly string[] | undefined,
  resource: string,
  subresource: string,
): boolean {
  if (!resources) return false;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  if (resources.includes('*') || resources.includes(whole)) return true;
  return subresource !== '' && resources.includes(`*/${subresource}`);
}

/** A rule without names is about all of them; a request without a name only passes one of those. */
function nameMatches(names: readonly string[] | undefined, name: string): boolean {
  return !names?.length || names.includes(name);
}

function urlMatches(urls: readonly string[] | undefined, path: string): boolean {
  return urls?.some((url) => urlCovers(url, path)) ?? false;
}

/** `*` at the end stands for any rest; every `*` of a run at the end is taken off. */
export function urlCovers(url: string, path: string): boolean {
  if (url === '*' || url === path) return true;
  return url.endsWith('*') && path.startsWith(trimEndOf(url, '*'));
}
