import type { PolicyRule } from '../../../../kube/index.ts';
import { urlCovers } from './rule.ts';

// Whether somebody who grants rules holds them himself (component-helpers/auth/rbac/validation).

/** The parts of `wanted` that `held` does not cover, one verb and one resource each; none when all is covered. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(breakDown).filter((part) => !held.some((rule) => covers(rule, part)));
}

/** A rule as rules with one verb, one resource and at most one name each. */
export function breakDown(rule: PolicyRule): PolicyRule[] {
  const parts: PolicyRule[] = [];
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs ?? []) {
        const part = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (!rule.resourceNames?.length) parts.push(part);
        else for (const name of rule.resourceNames) parts.push({ ...part, resourceNames: [name] });
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs ?? []) parts.push({ nonResourceURLs: [url], verbs: [verb] });
  }
  return parts;
}

function covers(rule: PolicyRule, part: PolicyRule): boolean {
  return (
    hasAllOrStar(rule.verbs, part.verbs) &&
    hasAllOrStar(rule.apiGroups, part.apiGroups) &&
    coversResources(rule.resources ?? [], part.resources ?? []) &&
    coversNames(rule.resourceNames ?? [], part.resourceNames ?? []) &&
    (part.nonResourceURLs ?? []).every((url) =>
      (rule.nonResourceURLs ?? []).some((owned) => urlCovers(owned, url)),
    )
  );
}

function hasAllOrStar(set: readonly string[] = [], wanted: readonly string[] = []): boolean {
  return set.includes('*') || wanted.every((one) => set.includes(one));
}

function coversResources(set: readonly string[], wanted: readonly string[]): boolean {
  if (set.includes('*')) return true;
  return wanted.every((resource) => {
    const slash = resource.indexOf('/');
    return set.includes(resource) || (slash >= 0 && set.includes(`*${resource.slice(slash)}`));
  });
}

/** All names are more than any list of names. */
function coversNames(set: readonly string[], wanted: readonly string[]): boolean {
  if (set.length === 0) return true;
  return wanted.length > 0 && wanted.every((name) => set.includes(name));
}

/** Rules of one resource that differ only by verb, joined; others stay as they are and come first. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  const rest: PolicyRule[] = [];
  for (const rule of rules) {
    const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
    const isSimple = apiGroups.length === 1 && resources.length === 1 && resourceNames.length <= 1;
    if (!isSimple || nonResourceURLs.length > 0) {
      rest.push(rule);
      continue;
    }
    const key = JSON.stringify([apiGroups, resources, resourceNames]);
    const known = joined.get(key);
    joined.set(key, known ? { ...known, verbs: [...known.verbs, ...rule.verbs] } : rule);
  }
  return [...rest, ...joined.values()];
}

/** A rule as messages show it: {APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}. */
export function describeRule(rule: PolicyRule): string {
  const parts: [name: string, values: readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const shown = parts.flatMap(([name, values]) => (values?.length ? [`${name}:${quotedList(values)}`] : []));
  return `{${shown.join(', ')}}`;
}

/** As Go's %q prints a list of strings. */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}
