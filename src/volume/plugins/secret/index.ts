export { createSecretPlugin, SECRET_PLUGIN } from './secret.ts';
