import type * as http from 'node:http';

/**
 * node:http, fetched by its old name. As an ES module each of its exports is read at once, WebSocket among them, which
 * loads the whole of undici: 25 ms of every start.
 */
const {
  createServer,
  request,
  ServerResponse: Response,
} = process.getBuiltinModule('node:http') as typeof http;

export const createHttpServer = createServer;
export const httpRequest = request;
export const ServerResponse = Response;
export type ServerResponse = http.ServerResponse;
