export type { HttpClientOptions, HttpConnection } from './connection.ts';
export { createHttpClient, type HttpClient } from './http-client.ts';
export { loadKubeconfig } from './kubeconfig.ts';
export { type PodLogOptions, podLogs } from './pod-logs.ts';
export { readStream } from './read-stream.ts';
