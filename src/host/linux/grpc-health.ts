import { type Clock, TimeoutError } from '../../base/index.ts';
import type { GrpcHealth } from '../host.ts';

/** HealthCheckResponse.ServingStatus */
const STATUSES: readonly GrpcHealth[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** grpc.health.v1.Health/Check, without encryption. The library is loaded by who asks first. */
export async function grpcHealth(
  clock: Clock,
  host: string,
  port: number,
  service: string,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<GrpcHealth> {
  const { Client, credentials } = await import('@grpc/grpc-js');
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.primary_user_agent': 'kube-probe/1.36',
    'grpc.enable_http_proxy': 0,
  });
  const deadline = clock.now() + timeoutMs;
  try {
    const ready = Promise.withResolvers<void>();
    client.waitForReady(deadline, (error) =>
      error ? ready.reject(new TimeoutError(`dial ${address}`, timeoutMs)) : ready.resolve(),
    );
    await ready.promise;
    const answer = Promise.withResolvers<GrpcHealth>();
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      encodeRequest,
      decodeResponse,
      service,
      { deadline },
      (error, status) => (error ? answer.reject(error) : answer.resolve(status!)),
    );
    return await answer.promise;
  } finally {
    client.close();
  }
}

/** `string service = 1` */
function encodeRequest(service: string): Buffer {
  const text = Buffer.from(service);
  if (text.length === 0) return text;
  const length: number[] = [];
  let rest = text.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([0x0a, ...length, rest]), text]);
}

/** `ServingStatus status = 1`; absent it is 0. */
function decodeResponse(bytes: Buffer): GrpcHealth {
  const status = bytes[0] === 0x08 ? bytes[1]! : 0;
  return STATUSES[status] ?? 'UNKNOWN';
}
