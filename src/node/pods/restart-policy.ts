import type { Container, Pod } from '../../kube/index.ts';

/** Whether a container that ended with this code is run again (podutil.ContainerShouldRestart). */
export function containerShouldRestart(pod: Pod, container: Container, exitCode: number): boolean {
  if (container.restartPolicy && restartRuleMatches(container, exitCode)) return true;
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** Whether a container that fails its probes is run again: rules are for exit codes, which it has none of yet. */
export function restartsWhenUnhealthy(pod: Pod, container: Container): boolean {
  return (container.restartPolicy ?? pod.spec?.restartPolicy) !== 'Never';
}

function restartRuleMatches({ restartPolicyRules = [] }: Container, exitCode: number): boolean {
  const rule = restartPolicyRules.find(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    return (exitCodes?.operator === 'In' && listed) || (exitCodes?.operator === 'NotIn' && !listed);
  });
  return rule?.action === 'Restart';
}
