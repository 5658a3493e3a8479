export { createRootCaPublisher } from './root-ca-publisher.ts';
export { createServiceAccountsController } from './service-accounts-controller.ts';
export { createTokensController, type SignSecretToken } from './tokens-controller.ts';
