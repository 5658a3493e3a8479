import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import { type ClusterRole, clusterRoles, type Stored } from '../../kube/index.ts';
import { aggregatedRules, sameRules } from './aggregate.ts';

const NAME = 'clusterrole-aggregation-controller';

/** Puts cluster roles together from those that their selectors find (admin, edit, view). */
export function createClusterRoleAggregation(context: ComponentContext): Component {
  const { client, clock, log, informers } = context;
  const roles = informers.of(clusterRoles);
  const controller = new Controller({
    name: NAME,
    clock,
    log,
    async reconcile(name, signal) {
      const role = roles.get(name);
      if (!role?.aggregationRule) return;
      const rules = aggregatedRules(role, roles.values());
      if (sameRules(rules, role.rules ?? [])) return;
      const body = {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name },
        rules,
      };
      await client.patch(
        clusterRoles,
        { name },
        { type: 'apply', body },
        { fieldManager: NAME, force: true, signal },
      );
    },
  });

  /** Which roles a change is for is known by their selectors only: all are looked at, which costs no request. */
  const lookAtAll = () => {
    for (const role of roles.values()) if (role.aggregationRule) controller.enqueue(role.metadata.name);
  };
  const isUnchanged = (role: Stored<ClusterRole>, previous: Stored<ClusterRole>) =>
    role.rules === previous.rules &&
    role.aggregationRule === previous.aggregationRule &&
    role.metadata.labels === previous.metadata.labels;

  return {
    name: NAME,
    start: (signal) =>
      runControllers(signal, {
        informers: { roles },
        listen: () => [
          roles.on({
            added: (role) => {
              if (role.aggregationRule || role.metadata.labels) lookAtAll();
            },
            updated: (role, previous) => {
              if (!isUnchanged(role, previous)) lookAtAll();
            },
            deleted: lookAtAll,
          }),
        ],
        loops: [controller],
      }),
  };
}
