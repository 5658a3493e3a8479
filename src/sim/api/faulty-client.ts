import type { Client, WatchOptions } from '../../client/index.ts';
import { expired, type KubeObject, type Resource, staleObject, statusFailure } from '../../kube/index.ts';
import type { Dice } from '../dice.ts';
import type { Faults } from '../faults.ts';
import type { Link } from '../host/link.ts';
import type { Journal } from '../journal.ts';
import type { SimProcess } from '../process.ts';
import { describeObject } from './describe.ts';
import { FaultyWatch } from './faulty-watch.ts';
import type { SimApi } from './sim-api.ts';

export interface FaultyClientOptions {
  readonly api: SimApi;
  readonly process: SimProcess;
  /** Of the process's machine. */
  readonly link: Link;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly journal: Journal;
  /** Hears of every write that the server has acknowledged, at once. */
  written(verb: string, resource: Resource, object: KubeObject): void;
  /** Hears that objects of a kind have gone, or begun to, without having been told which. */
  emptied(client: Client, resource: Resource): Promise<void>;
  /** Hears of every request as it is sent, but for the many with which a namespace is emptied. */
  requested(): unknown;
  /** The API server is to die now. */
  killApi(): void;
}

const TYPICAL_MS = 0.5;

interface Call<T> {
  readonly verb: string;
  readonly resource: Resource;
  readonly name: string;
  /** Changes something. */
  readonly write?: boolean;
  readonly mayConflict?: boolean;
  /** One of the many of a pass over a namespace, which has two for each kind of objects. */
  readonly sweeps?: boolean;
  work(client: Client): Promise<T>;
}

/** The API as one process sees it: late, broken off, refused, as the seed has it. */
export function createFaultyClient(options: FaultyClientOptions): Client {
  const { api, process, link, dice, faults, journal } = options;

  /** Nobody answers until the caller has had enough. */
  async function unanswered(): Promise<never> {
    const waitMs = dice.between(1_000, 30_000);
    await new Promise<void>((resolve) => process.clock.after(waitMs, resolve));
    throw new Error('dial tcp: i/o timeout');
  }

  function request<T>(call: Call<T>): Promise<T> {
    const { verb, resource, name, write } = call;
    const tell = (what: string) => journal.write(process.name, `${verb} ${resource.plural} ${name}${what}`);
    if (!call.sweeps) options.requested();
    let delayMs = dice.delay(TYPICAL_MS);
    if (faults.strikes('api-slow')) delayMs += faults.dice('api-slow').between(100, 20_000);
    if (faults.strikes('api-error')) {
      return process.cross(delayMs, () => {
        tell(': fails before it is done');
        throw refusal(faults.dice('api-error'));
      });
    }
    if (call.mayConflict && faults.strikes('api-conflict')) {
      return process.cross(delayMs, () => {
        tell(': 409 Conflict');
        throw staleObject(resource as Resource, name);
      });
    }
    const lost = write && faults.strikes('api-timeout');
    const dies = write && faults.strikes('api-restart');
    return process.cross(delayMs, async () => {
      if (link.cut) return unanswered();
      if (dies) {
        process.clock.soon(() => options.killApi());
      }
      let result: T;
      try {
        result = await api.serve(call.work);
      } catch (error) {
        if (write) tell(`: ${(error as Error).message}`);
        throw error;
      }
      if (write) {
        tell(describeObject(result));
        if (result !== undefined) options.written(verb, resource, result as KubeObject);
      }
      if (link.cut) return unanswered();
      if (!lost) return result;
      tell(': done, but the answer is lost');
      const waitMs = faults.dice('api-timeout').between(10, 30_000);
      await new Promise<void>((resolve) => process.clock.after(waitMs, resolve));
      throw new Error('net/http: request canceled (Client.Timeout exceeded while awaiting headers)');
    });
  }

  function watch<T extends KubeObject>(resource: Resource<T>, watchOptions: WatchOptions = {}) {
    const { signal, resourceVersion } = watchOptions;
    const begin = () => {
      const slow = faults.strikes('api-slow') ? faults.dice('api-slow').between(100, 20_000) : 0;
      const late = faults.strikes('api-timeout');
      return process.cross(dice.delay(TYPICAL_MS) + slow, () => {
        if (link.cut || late) return unanswered();
        if (faults.strikes('api-error')) throw refusal(faults.dice('api-error'));
        if (resourceVersion !== undefined && faults.strikes('watch-expired'))
          throw expired('too old resource version');
        return api.ended;
      });
    };
    return new FaultyWatch<T>({
      ...{ process, link, dice, faults, journal, resource, signal, begin },
      typicalMs: TYPICAL_MS,
      open: (inner) => api.client.watch(resource, { ...watchOptions, signal: inner }),
    });
  }

  const nameOf = ({ namespace, name }: { namespace?: string; name?: string }) =>
    `${namespace ? `${namespace}/` : ''}${name ?? ''}`;
  return {
    get: (resource, name, more) =>
      request({
        verb: 'get',
        resource: resource as never,
        name: nameOf(name),
        work: (c) => c.get(resource, name, more),
      }),
    list: (resource, more) =>
      request({
        verb: 'list',
        resource: resource as never,
        name: '',
        sweeps: more?.namespace !== undefined,
        work: (c) => c.list(resource, more),
      }),
    watch,
    create: (resource, object, more) =>
      request({
        verb: 'create',
        resource: resource as never,
        name: nameOf(object.metadata ?? {}),
        write: true,
        work: (c) => c.create(resource, object, more),
      }),
    update: (resource, object, more) =>
      request({
        verb: `update${more?.subresource ? `/${more.subresource}` : ''}`,
        resource: resource as never,
        name: nameOf(object.metadata ?? {}),
        write: true,
        mayConflict: true,
        work: (c) => c.update(resource, object, more),
      }),
    patch: (resource, name, patch, more) =>
      request({
        verb: `patch${more?.subresource ? `/${more.subresource}` : ''}`,
        resource: resource as never,
        name: nameOf(name),
        write: true,
        mayConflict: true,
        work: (c) => c.patch(resource, name, patch, more),
      }),
    delete: (resource, name, more) =>
      request({
        verb: 'delete',
        resource: resource as never,
        name: nameOf(name),
        write: true,
        work: (c) => c.delete(resource, name, more),
      }),
    deleteCollection: (resource, selection, more) =>
      request({
        verb: 'deletecollection',
        resource: resource as never,
        name: '',
        sweeps: true,
        write: true,
        work: async (c) => {
          await c.deleteCollection(resource, selection, more);
          await options.emptied(c, resource as Resource);
        },
      }),
    createSubresource: (resource, name, subresource, body, more) =>
      request({
        verb: `create/${subresource}`,
        resource: resource as never,
        name: nameOf(name),
        write: true,
        work: (c) => c.createSubresource(resource, name, subresource, body, more),
      }),
  };
}

function refusal(dice: Dice): Error {
  switch (dice.int(4)) {
    case 0:
      return statusFailure(500, 'InternalError', 'Internal error occurred: etcdserver: request timed out');
    case 1:
      return statusFailure(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
    case 2:
      return statusFailure(429, 'TooManyRequests', 'the server has received too many requests');
    default:
      return new Error('connect ECONNREFUSED 127.0.0.1:6443');
  }
}
