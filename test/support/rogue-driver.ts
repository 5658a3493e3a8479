import * as grpc from '@grpc/grpc-js';
import { systemClock, withDeadline } from '../../src/base/index.ts';
import { CSI_SERVICE_NAMES, CSI_SERVICES, methodPath } from '../../src/csi/services.ts';

/**
 * What a driver does with a call in place of its work: it never answers; it says that all is well and has done nothing;
 * it says something that is no answer.
 */
export type Misdeed = 'hang' | 'lie' | 'garbage';

const LIE = Buffer.alloc(0);
/** No message of any kind begins so: a field of a wire type that there is not. */
const GARBAGE = Buffer.from([0xff, 0xff, 0xff, 0xff]);
const whole = (bytes: Buffer) => bytes;

type Call = grpc.ServerUnaryCall<Buffer, Buffer>;

/** Stands between a driver and its callers, and answers in its place what it is told to. */
export class RogueDriver {
  /** By method; the others work. */
  readonly misdeeds = new Map<string, Misdeed>();
  readonly endpoint: string;
  readonly #server = new grpc.Server();
  readonly #driver: grpc.Client;
  readonly #done: { method: string; misdeed: Misdeed }[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #hanging = new Set<() => void>();

  private constructor(directory: string, driver: string) {
    this.endpoint = `unix://${directory}/rogue.sock`;
    this.#driver = new grpc.Client(driver.replace('unix://', 'unix:'), grpc.credentials.createInsecure());
    for (const name of CSI_SERVICE_NAMES)
      for (const method of CSI_SERVICES[name].methods) {
        if (method.methodKind !== 'unary') continue;
        const path = methodPath(method);
        const definition = {
          path,
          requestStream: false,
          responseStream: false,
          requestSerialize: whole,
          requestDeserialize: whole,
          responseSerialize: whole,
          responseDeserialize: whole,
        };
        this.#server.register(
          path,
          (call: Call, answer: grpc.sendUnaryData<Buffer>) =>
            this.#answer(method.name, definition, call, answer),
          definition.responseSerialize,
          definition.requestDeserialize,
          'unary',
        );
      }
  }

  /** @param driver the endpoint of one that works */
  static async serve(directory: string, driver: string): Promise<RogueDriver> {
    const rogue = new RogueDriver(directory, driver);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    rogue.#server.bindAsync(
      rogue.endpoint.replace('unix://', 'unix:'),
      grpc.ServerCredentials.createInsecure(),
      (error) => (error ? reject(error) : resolve()),
    );
    await promise;
    return rogue;
  }

  /** Resolves once it has done a misdeed, of those since the last `behave`. */
  async hasDone(method: string, misdeed: Misdeed, limitMs = 60_000): Promise<void> {
    const done = Promise.withResolvers<void>();
    const look = () => {
      if (this.#done.some((one) => one.method === method && one.misdeed === misdeed)) done.resolve();
    };
    this.#waiting.add(look);
    look();
    await withDeadline(systemClock, limitMs, `${misdeed} at ${method}`, done.promise).finally(() =>
      this.#waiting.delete(look),
    );
  }

  /** From now on it works; whoever hangs is told that it was lost. */
  behave(): void {
    this.misdeeds.clear();
    this.#done.length = 0;
    for (const release of this.#hanging) release();
    this.#hanging.clear();
  }

  stop(): void {
    this.behave();
    this.#server.forceShutdown();
    this.#driver.close();
  }

  #answer(method: string, { path }: { path: string }, call: Call, answer: grpc.sendUnaryData<Buffer>): void {
    const misdeed = this.misdeeds.get(method);
    if (!misdeed) {
      this.#driver.makeUnaryRequest(path, whole, whole, call.request, call.metadata, (error, response) =>
        answer(error, response),
      );
      return;
    }
    if (misdeed === 'hang')
      this.#hanging.add(() => answer({ code: grpc.status.UNAVAILABLE, details: 'the driver was lost' }));
    else answer(null, misdeed === 'lie' ? LIE : GARBAGE);
    this.#done.push({ method, misdeed });
    for (const look of this.#waiting) look();
  }
}
