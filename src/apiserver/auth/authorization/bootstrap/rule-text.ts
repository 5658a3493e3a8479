import type { PolicyRule } from '../../../../kube/index.ts';

/**
 * A policy rule on one line: `verbs | groups | resources`, and `| names` where it is about certain names; or
 * `verbs | /path /path`. Verbs and groups are separated by commas, the rest by spaces. `core` is the core group, `read`
 * and `write` stand for the usual verbs.
 */
export type RuleText = string;

/** What everybody needs who tells of his work. */
export const EVENTS: RuleText = 'create,patch,update | core,events.k8s.io | events';

const VERBS: Readonly<Record<string, readonly string[]>> = {
  read: ['get', 'list', 'watch'],
  write: ['create', 'delete', 'deletecollection', 'patch', 'update'],
};

/** @throws Error for a line that is no rule: a mistake in a table of this folder. */
export function parseRule(text: RuleText): PolicyRule {
  const [verbText, second, third, fourth, ...rest] = text.split(' | ');
  if (!verbText || !second || rest.length > 0) throw new Error(`not a rule: ${text}`);
  const verbs = [...(VERBS[verbText] ?? verbText.split(','))];
  if (third === undefined) return { verbs, nonResourceURLs: second.split(' ') };
  const rule = {
    verbs,
    apiGroups: second.split(',').map((group) => (group === 'core' ? '' : group)),
    resources: third.split(' '),
  };
  return fourth === undefined ? rule : { ...rule, resourceNames: fourth.split(' ') };
}
