import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { type Clock, errorMessage, TimeoutError } from '../../../base/index.ts';
import { refusal, S3Error } from './error.ts';
import { childrenOf, escapeXml, parseXml, textOf } from './xml.ts';

/** Where buckets are, and who asks. */
export interface Account {
  /** `https://s3.example.com`, without a path. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3Options {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** Ends what is under way. */
  readonly signal?: AbortSignal;
}

/** Without an answer for so long a request has failed. */
const REQUEST_LIMIT_MS = 60_000;
/** What a list and a multi-object delete take at most. Source: ListObjects, DeleteObjects. */
export const MAX_KEYS = 1000;
/** No object that is read here is larger; a larger one is cut. */
const MAX_READ_BYTES = 64 * 1024;
/** A bucket there is made without saying where; nowhere else. Source: CreateBucket, LocationConstraint. */
export const DEFAULT_REGION = 'us-east-1';

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface S3Request {
  readonly method: string;
  /** `bucket`, or `bucket/key`. */
  readonly path: string;
  readonly query?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers that are no failure beside the 200s. */
  readonly alsoFine?: readonly number[];
}

/**
 * The few requests that volumes are made and deleted with, path style, signed (AWS Signature Version 4), body and all.
 * Nothing is tried twice: who calls does that.
 * @throws S3Error from every method.
 */
export class S3 {
  readonly #account: Account;
  readonly #options: S3Options;

  constructor(account: Account, options: S3Options) {
    this.#account = account;
    this.#options = options;
  }

  /**
   * Keys that begin with `prefix`, in order, the first `limit` of them; undefined: there is no such bucket. Version 1 of the
   * request, which every server knows.
   */
  async list(bucket: string, prefix: string, limit = MAX_KEYS): Promise<readonly string[] | undefined> {
    const query = new URLSearchParams({
      'encoding-type': 'url',
      'max-keys': `${limit}`,
      prefix,
    });
    const { status, text } = await this.#send({
      method: 'GET',
      path: bucket,
      query: query.toString(),
      alsoFine: [404],
    });
    if (status === 404) {
      const error = refusal(this.#place('GET', bucket), status, text);
      if (error.code === 'NoSuchBucket') return undefined;
      throw error;
    }
    const result = parseXml(text, 'ListBucketResult');
    // Not an empty list: nothing would be left of what is said to be empty.
    if (!result)
      throw new S3Error(`${this.#place('GET', bucket)}: the answer is no list`, { status, code: '' });
    const keys = childrenOf(result, 'Contents').map((object) => textOf(object, 'Key'));
    return textOf(result, 'EncodingType') === 'url' ? keys.map(decodeKey) : keys;
  }

  /** One that is ours already is fine. */
  async createBucket(bucket: string): Promise<void> {
    const { region } = this.#account;
    const body =
      region === DEFAULT_REGION
        ? ''
        : `<CreateBucketConfiguration><LocationConstraint>${escapeXml(region)}</LocationConstraint></CreateBucketConfiguration>`;
    try {
      await this.#send({ method: 'PUT', path: bucket, body });
    } catch (error) {
      if (!(error instanceof S3Error && error.code === 'BucketAlreadyOwnedByYou')) throw error;
    }
  }

  /** It must be empty. Absent is fine. */
  async deleteBucket(bucket: string): Promise<void> {
    await this.#send({ method: 'DELETE', path: bucket, alsoFine: [404] });
  }

  /** The object's text, its beginning if it is long; undefined: there is none. */
  async read(bucket: string, key: string): Promise<string | undefined> {
    const { status, text } = await this.#send({
      method: 'GET',
      path: `${bucket}/${key}`,
      headers: { range: `bytes=0-${MAX_READ_BYTES - 1}` },
      // An empty object has no first byte.
      alsoFine: [404, 416],
    });
    if (status === 404) return undefined;
    return status === 416 ? '' : text;
  }

  async write(bucket: string, key: string, content: string, contentType: string): Promise<void> {
    const headers = { 'content-type': contentType };
    await this.#send({ method: 'PUT', path: `${bucket}/${key}`, body: content, headers });
  }

  /** Deletes objects, at most MAX_KEYS. Absent is fine. */
  async delete(bucket: string, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('');
    const { text } = await this.#send({
      method: 'POST',
      path: bucket,
      query: 'delete=',
      body: `<Delete><Quiet>true</Quiet>${objects}</Delete>`,
    });
    const [failed] = childrenOf(parseXml(text, 'DeleteResult') ?? {}, 'Error');
    if (!failed) return;
    const what = `delete ${bucket}/${textOf(failed, 'Key')}`;
    const code = textOf(failed, 'Code');
    // The answer as a whole is 200; which status this object would have had, its code says.
    const status = code === 'AccessDenied' ? 403 : 500;
    throw new S3Error(`${what}: ${code}: ${textOf(failed, 'Message')}`, { status, code });
  }

  #place(method: string, path: string): string {
    return `${method} ${this.#account.endpoint}/${path}`;
  }

  async #send(request: S3Request): Promise<Answer> {
    const { method, path, query = '', body = '', headers = {}, alsoFine = [] } = request;
    const { clock, signal } = this.#options;
    const limit = new AbortController();
    const timer = clock.after(REQUEST_LIMIT_MS, () =>
      limit.abort(new TimeoutError('no answer', REQUEST_LIMIT_MS)),
    );
    try {
      const pathname = path.split('/').map(encodeURIComponent).join('/');
      const signed = await new AwsV4Signer({
        ...this.#account,
        service: 's3',
        method,
        url: `${this.#account.endpoint}/${pathname}${query && `?${query}`}`,
        headers: {
          ...headers,
          'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
          ...(body !== '' && { 'content-md5': createHash('md5').update(body).digest('base64') }),
        },
        datetime: new Date(clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, ''),
      }).sign();
      const response = await this.#options.fetch(signed.url, {
        method,
        headers: signed.headers,
        // A signature is for one place: nobody is sent on to another with it.
        redirect: 'manual',
        signal: AbortSignal.any([limit.signal, ...(signal ? [signal] : [])]),
        ...(method === 'PUT' || method === 'POST' ? { body } : {}),
      });
      const answer = { status: response.status, text: await response.text() };
      if (response.ok || alsoFine.includes(answer.status)) return answer;
      throw refusal(this.#place(method, path), answer.status, answer.text);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof S3Error) throw error;
      const why = errorMessage((error as { cause?: unknown }).cause ?? error);
      throw new S3Error(`${this.#place(method, path)}: ${why}`, { status: 0, code: '' }, { cause: error });
    } finally {
      timer.cancel();
      // Or the process would keep the signal of each request, if anybody still listens to it.
      limit.abort();
    }
  }
}

/** A key of a list with encoding-type=url. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}
