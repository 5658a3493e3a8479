import type { Component, ComponentContext } from '../../client/index.ts';
import { isAlreadyExists, serviceAccounts } from '../../kube/index.ts';
import { eachNamespace } from './each-namespace.ts';

const DEFAULT_ACCOUNT = 'default';

/** Makes the account that pods have when they name none (pkg/controller/serviceaccount, serviceaccounts_controller.go). */
export function createServiceAccountsController(context: ComponentContext): Component {
  return eachNamespace(context, {
    name: 'serviceaccount-controller',
    resource: serviceAccounts,
    object: DEFAULT_ACCOUNT,
    async ensure({ metadata }, present, signal) {
      if (present) return;
      const account = { metadata: { namespace: metadata.name, name: DEFAULT_ACCOUNT } };
      await context.client.create(serviceAccounts, account, { signal }).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
    },
  });
}
