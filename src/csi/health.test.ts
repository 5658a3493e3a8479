import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { silentLogger, systemClock } from '../base/index.ts';
import { Code } from './codes.ts';
import {
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Status,
} from './generated/health_pb.js';
import { HealthService } from './health.ts';
import { createRoutes } from './server/router.ts';
import { CsiStatus } from './status.ts';

function served() {
  const health = new HealthService();
  const routes = createRoutes([health.binding], { clock: systemClock, log: silentLogger });
  const abort = new AbortController();
  const incoming = { signal: abort.signal, deadlineMs: undefined };
  const request = (service = '') => create(HealthCheckRequestSchema, { service });
  const check = async (service?: string) => {
    const route = routes.get('/grpc.health.v1.Health/Check')!;
    assert.ok(route.kind === 'unary');
    return Status[((await route.call(request(service), incoming)) as HealthCheckResponse).status];
  };
  const watch = (service?: string) => {
    const route = routes.get('/grpc.health.v1.Health/Watch')!;
    assert.ok(route.kind === 'stream');
    const stream = route.call(request(service), incoming);
    return async () => {
      const { done, value } = await stream.next();
      return done ? 'over' : Status[(value as HealthCheckResponse).status];
    };
  };
  return { health, check, watch, abort };
}

describe("gRPC's health protocol", () => {
  it('says whether the server serves, and knows no single service', async () => {
    const { health, check } = served();
    assert.equal(await check(), 'NOT_SERVING');
    health.isServing = true;
    assert.equal(await check(), 'SERVING');
    await assert.rejects(
      check('snapshotmetadata.SnapshotMetadata'),
      (error) => error instanceof CsiStatus && error.code === Code.NOT_FOUND,
    );
  });

  it('tells who watches of each change, until he goes', async () => {
    const { health, watch, abort } = served();
    const next = watch();
    assert.equal(await next(), 'NOT_SERVING');
    const changed = next();
    health.isServing = true;
    assert.equal(await changed, 'SERVING');
    const again = next();
    health.isServing = true;
    health.isServing = false;
    assert.equal(await again, 'NOT_SERVING');
    assert.equal(await watch('other')(), 'SERVICE_UNKNOWN');
    const last = next();
    abort.abort();
    assert.equal(await last, 'over');
  });
});
