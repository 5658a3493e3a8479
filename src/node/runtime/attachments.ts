import { PassThrough } from 'node:stream';
import type { ContainerSession } from './contract.ts';
import type { LogStream } from './log-format.ts';

interface Attachment {
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
  /** Aborts at the end: who waits for the client to read goes on. */
  readonly gone: AbortController;
  readonly ended: PromiseWithResolvers<undefined>;
}

/** Who looks at what a container writes, beside its log. */
export class Attachments {
  readonly #attached = new Set<Attachment>();
  #closed = false;

  open(tty: boolean): ContainerSession {
    const attachment: Attachment = {
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      gone: new AbortController(),
      ended: Promise.withResolvers<undefined>(),
    };
    this.#attached.add(attachment);
    if (this.#closed) this.#end(attachment);
    return {
      stdout: attachment.stdout,
      stderr: tty ? undefined : attachment.stderr,
      resize: () => undefined,
      ended: attachment.ended.promise,
      end: () => this.#end(attachment),
    };
  }

  /** Resolves once every client can take more: a client that does not read holds the container up, as with containerd. */
  async write(stream: LogStream, chunk: Uint8Array): Promise<void> {
    for (const attachment of this.#attached) {
      if (attachment[stream].write(chunk)) continue;
      await drained(attachment, stream);
    }
  }

  /** The container writes no more. */
  close(): void {
    this.#closed = true;
    for (const attachment of this.#attached) this.#end(attachment);
  }

  #end(attachment: Attachment): void {
    this.#attached.delete(attachment);
    attachment.gone.abort();
    attachment.stdout.end();
    attachment.stderr.end();
    attachment.ended.resolve(undefined);
  }
}

function drained({ gone, ...streams }: Attachment, stream: LogStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  streams[stream].once('drain', done);
  gone.signal.addEventListener('abort', done, { once: true });
  if (gone.signal.aborted) done();
  return promise.finally(() => {
    streams[stream].off('drain', done);
    gone.signal.removeEventListener('abort', done);
  });
}
