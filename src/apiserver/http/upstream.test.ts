import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { after, before, describe, it } from 'node:test';
import type { KeyPair } from '../auth/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

// One request a line, with what kube-apiserver 1.36 answers to it: code, reason and message to the letter.

interface Case {
  readonly method: string;
  readonly path: string;
  readonly type?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default the administrator */
  readonly as?: 'admin' | 'anonymous' | 'jane';
  /** A text, or texts each so many times. */
  readonly body?: string | readonly (readonly [text: string, times: number])[];
  /** The characters of the body are its bytes. */
  readonly latin1?: boolean;
  readonly code: number;
  readonly reason?: string;
  readonly message?: string;
  readonly warning?: string;
  /** Of an answer that is no Status. */
  readonly text?: string;
}

const read = (name: string) => readFileSync(new URL(`./testdata/${name}`, import.meta.url), 'utf8');
const casesOf = (file: string) =>
  read(file)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Case);

/** A patched object that does not fit is repeated in the message, with times and identities that differ. */
const withoutValue = (text: string | undefined) =>
  text?.replace(/^(.*?patch: Invalid value: ).*["'`]: /s, '$1VALUE: ');

function bytesOf({ body, latin1 }: Case): Buffer | undefined {
  if (body === undefined) return undefined;
  const text = typeof body === 'string' ? body : body.map(([part, times]) => part.repeat(times)).join('');
  return Buffer.from(text, latin1 ? 'latin1' : 'utf8');
}

describe('what upstream answers', { timeout: 180_000 }, () => {
  let api: TestServer;
  const agent = new Agent({ keepAlive: true });
  let users: Record<'admin' | 'anonymous' | 'jane', KeyPair | null>;
  before(async () => {
    api = await startTestServer();
    const jane = await api.pki.issue({ commonName: 'jane', organizations: ['dev'], usages: ['client'] });
    users = { admin: api.pki.admin, anonymous: null, jane };
    for (const [path, object] of JSON.parse(read('setup.json')) as [string, object][]) {
      const headers = { 'Content-Type': 'application/json' };
      const made = await api.fetch(path, { method: 'POST', headers, body: JSON.stringify(object) });
      assert.equal(made.code, 201, `${path}: ${made.body}`);
    }
  });
  after(() => {
    agent.destroy();
    return api?.close();
  });

  async function answerTo(one: Case): Promise<Partial<Case>> {
    const body = bytesOf(one);
    const headers = {
      ...(one.type === undefined ? undefined : { 'Content-Type': one.type }),
      ...(one.accept === undefined ? undefined : { Accept: one.accept }),
      ...(body && { 'Content-Length': body.length }),
      ...one.headers,
    };
    const answer = await api.fetch(one.path, {
      method: one.method,
      headers,
      body,
      as: users[one.as ?? 'admin'],
      agent,
    });
    const warning = answer.headers.warning as string | undefined;
    if (answer.code < 400) return { code: answer.code, warning };
    const text = answer.body.toString();
    if (!text.startsWith('{')) return { code: answer.code, text, warning };
    const { reason, message } = JSON.parse(text) as Case;
    return { code: answer.code, reason: reason || undefined, message: withoutValue(message), warning };
  }

  for (const file of ['patches.jsonl', 'requests.jsonl'])
    describe(file, () => {
      for (const [index, one] of casesOf(file).entries()) {
        const { method, path, type = '', body = '', code } = one;
        it(`${index + 1}: ${method} ${path.slice(0, 120)} ${type} ${JSON.stringify(body).slice(0, 80)}: ${code}`, async () => {
          const { reason, message, warning, text } = one;
          const expected = { code, reason, message, warning, text };
          assert.deepEqual(
            JSON.parse(JSON.stringify(await answerTo(one))),
            JSON.parse(JSON.stringify(expected)),
          );
        });
      }
    });
});
