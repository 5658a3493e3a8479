export { createSecretPlugin } from './secret.ts';
