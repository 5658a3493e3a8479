import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { FakeClock, systemClock, TimeoutError } from '../../../base/index.ts';
import { Code } from '../../../csi/index.ts';
import { type ObjectStore, startObjectStore } from '../object-store.test-support.ts';
import { csiStatusOf, refusal, S3Error } from './error.ts';
import { S3, type S3Options } from './s3.ts';
import { escapeXml } from './xml.ts';

describe('requests to a real server', () => {
  let store: ObjectStore;
  before(async () => {
    store = await startObjectStore();
  });
  after(() => store?.close());

  it('make a bucket, write, read, list and delete in it, and delete it', async () => {
    const { s3 } = store;
    assert.equal(await s3.list('data', ''), undefined);
    await s3.createBucket('data');
    assert.deepEqual(await s3.list('data', ''), []);
    const keys = ['.hidden', 'a b/c&<d>"\'.json', 'dir/', 'dir/ü+x', 'zz'];
    for (const key of keys) await s3.write('data', key, `of ${key}`, 'text/plain');
    assert.deepEqual(await s3.list('data', ''), keys);
    assert.deepEqual(await s3.list('data', 'dir/'), ['dir/', 'dir/ü+x']);
    assert.deepEqual(await s3.list('data', '', 2), keys.slice(0, 2));
    assert.equal(await s3.read('data', 'a b/c&<d>"\'.json'), 'of a b/c&<d>"\'.json');
    assert.equal(await s3.read('data', 'nothing'), undefined);
    await assert.rejects(s3.deleteBucket('data'), { code: 'BucketNotEmpty', status: 409 });
    await s3.delete('data', [...keys, 'never was']);
    assert.deepEqual(await s3.list('data', ''), []);
    await s3.deleteBucket('data');
    await s3.deleteBucket('data');
    assert.equal(await s3.list('data', ''), undefined);
  });

  it('are refused with a wrong key, and the error says what the server said and no secret', async () => {
    const wrong = new S3(
      { ...store.account, accessKeyId: 'wrong-id', secretAccessKey: 'quite-wrong' },
      { fetch, clock: systemClock },
    );
    const error = await wrong.createBucket('data').catch((reason: unknown) => reason);
    assert.ok(error instanceof S3Error);
    assert.match(error.message, /^PUT http:\/\/127\.0\.0\.1:\d+\/data: InvalidAccessKeyId: /);
    assert.doesNotMatch(error.message, /quite-wrong/);
    assert.equal(csiStatusOf(error).code, Code.PERMISSION_DENIED);
  });
});

describe('a request', () => {
  const account = { endpoint: 'http://s3.test', region: 'eu-1', accessKeyId: 'K', secretAccessKey: 'S' };
  type Sent = { url: string; method: string | undefined; headers: Headers; body: unknown; redirect: unknown };
  /** Answers each request with the next of these. */
  function answering(...answers: readonly (Response | Error)[]) {
    const sent: Sent[] = [];
    const left = [...answers];
    const fake: typeof fetch = async (input, init = {}) => {
      const { method, headers, body, redirect } = init;
      sent.push({ url: `${input}`, method, headers: new Headers(headers), body, redirect });
      const answer = left.shift();
      if (answer instanceof Response) return answer;
      throw answer;
    };
    return { sent, s3: new S3(account, { fetch: fake, clock: new FakeClock() }) };
  }
  const xml = (text: string, status = 200) => new Response(text, { status });

  it('is signed for the region, at the time of the clock, with a digest of the body', async () => {
    const { sent, s3 } = answering(xml(''));
    await s3.createBucket('data');
    const [{ headers, body, redirect }] = sent as [Sent];
    assert.match(
      headers.get('authorization')!,
      /^AWS4-HMAC-SHA256 Credential=K\/\d{8}\/eu-1\/s3\/aws4_request/,
    );
    assert.match(headers.get('x-amz-content-sha256')!, /^[0-9a-f]{64}$/);
    assert.match(`${body}`, /<LocationConstraint>eu-1</);
    assert.equal(redirect, 'manual');
  });

  it('has the signature that a server computes from what has come to it', async () => {
    const { sent, s3 } = answering(xml(''), xml('<ListBucketResult/>'), xml(''), xml(''));
    await s3.write('data', "a b/(c)*'!~.json", 'text', 'text/plain');
    await s3.list('data', 'a b/(c)+&', 5);
    await s3.delete('data', ['x']);
    await s3.read('data', 'x');
    for (const request of sent) {
      const [, signedHeaders, signature] = /SignedHeaders=([^,]+), Signature=(.*)$/.exec(
        request.headers.get('authorization')!,
      )!;
      assert.equal(signature, signatureOf(request, signedHeaders!.split(';')), request.url);
      assert.equal(request.headers.get('x-amz-content-sha256'), sha256(`${request.body ?? ''}`));
    }
  });

  /** As AWS documents Signature Version 4, from the request alone. */
  function signatureOf({ url, method, headers }: Sent, signedHeaders: readonly string[]): string {
    const { pathname, searchParams, host } = new URL(url);
    const encoded = (text: string) =>
      encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const headerOf = (name: string) => (name === 'host' ? host : headers.get(name)!);
    const canonical = [
      method,
      pathname.split('/').map(decodeURIComponent).map(encoded).join('/'),
      [...searchParams]
        .map((pair) => pair.map(encoded).join('='))
        .sort()
        .join('&'),
      ...signedHeaders.map((name) => `${name}:${headerOf(name)}`),
      '',
      signedHeaders.join(';'),
      headers.get('x-amz-content-sha256'),
    ].join('\n');
    const time = headers.get('x-amz-date')!;
    const scope = [time.slice(0, 8), 'eu-1', 's3', 'aws4_request'];
    const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
    const key = scope.reduce<string | Buffer>(hmac, 'AWS4S');
    return hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n')).toString(
      'hex',
    );
  }

  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

  it('of a key names it as one, whatever it contains', async () => {
    const { sent, s3 } = answering(xml(''));
    await s3.write('data', 'a/b?c#d%e', '', 'text/plain');
    assert.equal(sent[0]!.url, 'http://s3.test/data/a/b%3Fc%23d%25e');
  });

  it('decodes the keys of a list that is encoded, and leaves others as they are', async () => {
    const list = (inner: string) => xml(`<?xml version="1.0"?><ListBucketResult>${inner}</ListBucketResult>`);
    const { s3 } = answering(
      list('<EncodingType>url</EncodingType><Contents><Key>a+b%2Bc%0A</Key></Contents>'),
      list('<Contents><Key>a+b%2B</Key></Contents><Contents><Key> 7 </Key></Contents>'),
    );
    assert.deepEqual(await s3.list('data', ''), ['a b+c\n']);
    assert.deepEqual(await s3.list('data', ''), ['a+b%2B', ' 7 ']);
  });

  it('that is answered by something else than a list fails: that is no empty bucket', async () => {
    const { s3 } = answering(xml('<html>'), xml(''), xml('<ListBucketResult/>'));
    await assert.rejects(s3.list('data', ''), /the answer is no list/);
    await assert.rejects(s3.list('data', ''), /the answer is no list/);
    assert.deepEqual(await s3.list('data', ''), []);
  });

  it('of a full page of awkward keys is read as it is', async () => {
    const keys = Array.from({ length: 1000 }, (_, index) => `&<>"'\n&#38;&amp;${index}`);
    const encoded = keys.map((key) => `<Contents><Key>${escapeXml(key)}</Key></Contents>`).join('');
    const { s3 } = answering(xml(`<ListBucketResult>${encoded}</ListBucketResult>`));
    assert.deepEqual(await s3.list('data', ''), keys);
  });

  it('that deletes says so when one of many objects could not be', async () => {
    const { sent, s3 } = answering(
      xml(
        '<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>No</Message></Error></DeleteResult>',
      ),
    );
    await assert.rejects(s3.delete('data', ['a', 'b\n']), {
      message: 'delete data/a: AccessDenied: No',
      status: 403,
    });
    assert.match(`${sent[0]!.body}`, /<Key>b&#10;<\/Key>/);
    assert.ok(sent[0]!.headers.get('content-md5'));
  });

  it('reads the beginning of an object that is too long, and an empty one', async () => {
    const { sent, s3 } = answering(xml('abc', 206), xml('', 416));
    assert.equal(await s3.read('data', 'k'), 'abc');
    assert.equal(await s3.read('data', 'k'), '');
    assert.equal(sent[0]!.headers.get('range'), 'bytes=0-65535');
  });

  it('a bucket that is ours already is made', async () => {
    const { s3 } = answering(xml('<Error><Code>BucketAlreadyOwnedByYou</Code></Error>', 409));
    await s3.createBucket('data');
  });

  it('without an answer fails as what may go well later', async () => {
    const { s3 } = answering(
      new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') }),
    );
    const error = await s3.list('data', '').catch((reason: unknown) => reason);
    assert.ok(error instanceof S3Error);
    assert.equal(error.message, 'GET http://s3.test/data: connect ECONNREFUSED 127.0.0.1:1');
    assert.equal(csiStatusOf(error).code, Code.UNAVAILABLE);
  });

  it('ends with the signal of who asked, and after a minute', async () => {
    const clock = new FakeClock();
    const waiting = (options: Partial<S3Options>) => {
      const until: typeof fetch = (_, init) =>
        new Promise((_resolve, reject) => {
          init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason));
          begun.resolve();
        });
      const begun = Promise.withResolvers<void>();
      return { begun: begun.promise, s3: new S3(account, { fetch: until, clock, ...options }) };
    };
    const caller = new AbortController();
    const one = waiting({ signal: caller.signal });
    const first = one.s3.list('data', '');
    await one.begun;
    caller.abort(new Error('the caller has gone'));
    await assert.rejects(first, /the caller has gone/);

    const other = waiting({});
    const second = assert.rejects(
      other.s3.list('data', ''),
      (error: S3Error) => error.cause instanceof TimeoutError && error.status === 0,
    );
    await other.begun;
    await clock.advance(60_000);
    await second;
  });
});

describe('the code of a refusal', () => {
  const cases: [status: number, code: string, expected: Code][] = [
    [403, 'AccessDenied', Code.PERMISSION_DENIED],
    [403, 'InvalidAccessKeyId', Code.PERMISSION_DENIED],
    [404, 'NoSuchBucket', Code.NOT_FOUND],
    [409, 'BucketAlreadyExists', Code.ALREADY_EXISTS],
    [409, 'BucketNotEmpty', Code.FAILED_PRECONDITION],
    [409, 'OperationAborted', Code.ABORTED],
    [301, 'PermanentRedirect', Code.INVALID_ARGUMENT],
    [400, 'AuthorizationHeaderMalformed', Code.INVALID_ARGUMENT],
    [400, 'TooManyBuckets', Code.RESOURCE_EXHAUSTED],
    [400, 'RequestTimeout', Code.UNAVAILABLE],
    [429, '', Code.UNAVAILABLE],
    [500, 'InternalError', Code.UNAVAILABLE],
    [503, 'SlowDown', Code.UNAVAILABLE],
  ];
  for (const [status, code, expected] of cases)
    it(`of ${status} ${code} is ${expected}`, () => {
      const error = refusal('PUT http://s3.test/b', status, `<Error><Code>${code}</Code></Error>`);
      assert.equal(csiStatusOf(error).code, expected);
    });
  it('names the status where the server says nothing that can be read', () =>
    assert.equal(refusal('GET x', 502, '<html>no').message, 'GET x: HTTP status 502'));
});
