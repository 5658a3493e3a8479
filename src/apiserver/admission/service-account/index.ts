export { serviceAccount } from './service-account.ts';
