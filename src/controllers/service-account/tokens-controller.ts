import {
  type Component,
  type ComponentContext,
  Controller,
  ignoreNotFound,
  runControllers,
} from '../../client/index.ts';
import {
  isConflict,
  isNotFound,
  keyOf,
  type Secret,
  type ServiceAccount,
  type Stored,
  secrets,
  serviceAccounts,
} from '../../kube/index.ts';
import { accountOf, belongsTo, filled, isTokenSecret, lacks } from './token-secret.ts';

/** Signs the token that a secret is to hold. */
export type SignSecretToken = (account: Stored<ServiceAccount>, secret: Stored<Secret>) => Promise<string>;

export interface TokensControllerOptions {
  /** PEM. */
  readonly rootCa: string;
  readonly sign: SignSecretToken;
}

/**
 * Fills secrets of type kubernetes.io/service-account-token and deletes those whose account has gone
 * (pkg/controller/serviceaccount, tokens_controller.go).
 */
export function createTokensController(
  context: ComponentContext,
  { rootCa, sign }: TokensControllerOptions,
): Component {
  const { client, informers, clock, log } = context;
  const secretInformer = informers.of(secrets);
  const accountInformer = informers.of(serviceAccounts);
  const controller = new Controller({
    name: 'legacy-service-account-token-controller',
    clock,
    log,
    async reconcile(key, signal) {
      const secret = secretInformer.byKey(key);
      if (!secret || !isTokenSecret(secret)) return;
      const account = await liveAccount(secret, signal);
      if (!account) await remove(secret, signal);
      else if (lacks(secret, rootCa).any) await fill(secret, account, signal);
    },
  });

  /** The cache may be behind a new account: before anything is deleted the server is asked. */
  async function liveAccount(
    secret: Stored<Secret>,
    signal: AbortSignal,
  ): Promise<Stored<ServiceAccount> | undefined> {
    const { namespace } = secret.metadata;
    const { name, uid } = accountOf(secret);
    const fits = (account: Stored<ServiceAccount>) => uid === undefined || uid === account.metadata.uid;
    const cached = accountInformer.get(name, namespace);
    if (cached && fits(cached)) return cached;
    const live = await ignoreNotFound(client.get(serviceAccounts, { namespace, name }, { signal }));
    return live && fits(live) ? live : undefined;
  }

  async function remove({ metadata }: Stored<Secret>, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = metadata;
    await unlessChanged(client.delete(secrets, { namespace, name }, { preconditions: { uid }, signal }));
  }

  async function fill(
    secret: Stored<Secret>,
    account: Stored<ServiceAccount>,
    signal: AbortSignal,
  ): Promise<void> {
    const token = lacks(secret, rootCa).token ? await sign(account, secret) : undefined;
    await unlessChanged(client.update(secrets, filled(secret, account, rootCa, token), { signal }));
  }

  const look = (secret: Stored<Secret>) => {
    if (isTokenSecret(secret)) controller.enqueue(keyOf(secret));
  };
  const lookAtTokensOf = ({ metadata }: Stored<ServiceAccount>) => {
    for (const secret of secretInformer.values()) {
      if (secret.metadata.namespace === metadata.namespace && belongsTo(secret, metadata)) look(secret);
    }
  };
  const forgetReference = (secret: Stored<Secret>) => {
    if (isTokenSecret(secret)) references.enqueue(`${keyOf(secret)}/${accountOf(secret).name}`);
  };
  const references = new Controller({
    name: 'legacy-service-account-token-references',
    clock,
    log,
    reconcile: (key, signal) => removeReference(key, signal),
  });

  /** An account does not go on naming a secret that is gone. `key`: namespace/secret/account. */
  async function removeReference(key: string, signal: AbortSignal): Promise<void> {
    const [namespace = '', secretName = '', name = ''] = key.split('/');
    const account = accountInformer.get(name, namespace);
    if (!account?.secrets?.some((one) => one.name === secretName)) return;
    if (secretInformer.get(secretName, namespace)) return;
    const rest = account.secrets.filter((one) => one.name !== secretName);
    await ignoreNotFound(client.update(serviceAccounts, { ...account, secrets: rest }, { signal }));
  }

  return {
    name: 'legacy-service-account-token-controller',
    start: (signal) =>
      runControllers(signal, {
        informers: { secretInformer, accountInformer },
        listen: () => [
          secretInformer.on({ added: look, updated: look, deleted: forgetReference }),
          accountInformer.on({ added: lookAtTokensOf, deleted: lookAtTokensOf }),
        ],
        loops: [controller, references],
      }),
  };
}

/** Whoever was faster has said so to the watch, and it will be looked at again. */
async function unlessChanged(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
  }
}
