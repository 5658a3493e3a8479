import type { Readable } from 'node:stream';
import type { HttpClientOptions } from './connection.ts';
import { Transport } from './transport.ts';

/** The body of a path as it comes, without a time limit. @throws StatusError, or an Error that names the request */
export async function readStream(connection: HttpClientOptions, path: string): Promise<Readable> {
  const transport = new Transport(connection);
  const response = await transport.stream({ method: 'GET', path });
  response.once('close', () => transport.close());
  return response;
}
