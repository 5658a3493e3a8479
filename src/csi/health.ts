import { aborted } from '../base/index.ts';
import { Code } from './codes.ts';
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from './generated/health_pb.js';
import type { Handlers } from './server/handlers.ts';
import type { ServiceBinding } from './server/router.ts';
import { CsiStatus } from './status.ts';

/** Whether a server serves, told to whoever asks by gRPC's health protocol. */
export class HealthService {
  #isServing = false;
  #changed = Promise.withResolvers<void>();

  get isServing(): boolean {
    return this.#isServing;
  }

  set isServing(value: boolean) {
    if (value === this.#isServing) return;
    this.#isServing = value;
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  get binding(): ServiceBinding {
    return { service: Health, handlers: this.#handlers() };
  }

  #handlers(): Handlers<typeof Health> {
    const status = () => (this.#isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
    const changed = () => this.#changed.promise;
    return {
      check({ service }) {
        if (service !== '') throw new CsiStatus(Code.NOT_FOUND, 'unknown service');
        return { status: status() };
      },
      async *watch({ service }, { signal }) {
        const gone = aborted(signal);
        while (!signal.aborted) {
          const next = changed();
          yield { status: service === '' ? status() : ServingStatus.SERVICE_UNKNOWN };
          await Promise.race([next, gone]);
        }
      },
    };
  }
}
