import { GROUP_MASTERS } from '../names.ts';
import { ALLOWED, type Authorizer, NO_OPINION } from './contract.ts';

/**
 * Authorizers in order: the first that allows decides; the reasons of the others are gathered. Members of
 * system:masters are not even asked about: whatever happens to the roles, somebody can mend them.
 */
export function chainOf(authorizers: readonly Authorizer[]): Authorizer {
  return {
    decide(user, attributes) {
      if (user.groups.includes(GROUP_MASTERS)) return ALLOWED;
      let reasons = '';
      for (const authorizer of authorizers) {
        const decision = authorizer.decide(user, attributes);
        if (decision.allowed) return decision;
        if (decision.reason !== '') reasons += reasons === '' ? decision.reason : `\n${decision.reason}`;
      }
      return reasons === '' ? NO_OPINION : { allowed: false, reason: reasons };
    },
    rulesFor(user, namespace) {
      const lists = authorizers.map((authorizer) => authorizer.rulesFor(user, namespace));
      const errors = lists.flatMap(({ error }) => (error === '' ? [] : [error]));
      return {
        rules: lists.flatMap(({ rules }) => rules),
        incomplete: lists.some(({ incomplete }) => incomplete),
        error: errors.length > 1 ? `[${errors.join(', ')}]` : (errors[0] ?? ''),
      };
    },
  };
}
