export type { HealthCheck } from './health.ts';
export { type ApiServer, type ApiServerOptions, createApiServer } from './server.ts';
