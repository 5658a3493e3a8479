import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { it } from 'node:test';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { systemClock, TimeoutError } from '../../base/index.ts';
import { grpcHealth } from './grpc-health.ts';

/** A server whose services say of themselves what their names say; `port` is one where nobody answers. */
it('the health of a gRPC service is what its server says', { timeout: 120_000 }, async (test) => {
  const server = new Server();
  const plain = (bytes: Buffer) => bytes;
  server.addService(
    {
      check: {
        path: '/grpc.health.v1.Health/Check',
        requestStream: false,
        responseStream: false,
        requestSerialize: plain,
        requestDeserialize: plain,
        responseSerialize: plain,
        responseDeserialize: plain,
      },
    },
    {
      check(call: { request: Buffer }, answer: (error: object | null, bytes?: Buffer) => void) {
        const name = call.request.subarray(call.request.length > 130 ? 3 : 2).toString();
        if (name === 'none') answer({ code: status.UNIMPLEMENTED, details: 'no' });
        else if (name !== 'silent') answer(null, Buffer.from(name === 'bad' ? [8, 2] : [8, 1]));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  test.after(() => server.forceShutdown());
  const ask = (service: string, timeoutMs = 30_000) =>
    grpcHealth(systemClock, '127.0.0.1', port, service, { timeoutMs });
  assert.equal(await ask(''), 'SERVING');
  assert.equal(await ask('x'.repeat(200)), 'SERVING');
  assert.equal(await ask('bad'), 'NOT_SERVING');
  await assert.rejects(ask('none'), { code: status.UNIMPLEMENTED });
  await assert.rejects(ask('silent', 300), { code: status.DEADLINE_EXCEEDED });
  const deaf = createServer();
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
  const closed = (deaf.address() as { port: number }).port;
  await new Promise((resolve) => deaf.close(resolve));
  await assert.rejects(grpcHealth(systemClock, '127.0.0.1', closed, '', { timeoutMs: 300 }), TimeoutError);
});
