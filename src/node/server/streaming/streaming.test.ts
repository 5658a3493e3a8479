import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { chooseProtocol, decodeMessage, encodeMessage, requestedProtocols } from './channel-protocol.ts';
import { readRequest } from './port-forward.ts';
import { parseStreamOptions } from './stream-options.ts';
import { streamRoute } from './stream-route.ts';
import { exitStatus, SUCCESS, statusText } from './stream-status.ts';
import { TerminalSizes } from './terminal-sizes.ts';

const protocol = (name: string) => chooseProtocol([name])!;

describe('channels of a WebSocket', () => {
  const names = [
    'v5.channel.k8s.io',
    'v4.channel.k8s.io',
    'v4.base64.channel.k8s.io',
    'base64.channel.k8s.io',
  ];
  it('carry any bytes', () =>
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(4), fc.uint8Array(), (name, channel, bytes) => {
        const message = Buffer.from(encodeMessage(protocol(name), channel, bytes) as string);
        const data = Buffer.from(bytes);
        assert.deepEqual(decodeMessage(protocol(name), message), { kind: 'data', channel, data });
      }),
    ));
  it('pass over what is none, and never throw', () =>
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.uint8Array(), (name, bytes) => {
        decodeMessage(protocol(name), Buffer.from(bytes));
      }),
    ));
  const cases: [string, number[], string][] = [
    ['v5.channel.k8s.io', [255, 0], 'close'],
    ['v5.channel.k8s.io', [255], 'malformed'],
    ['v5.channel.k8s.io', [255, 9], 'malformed'],
    ['v4.channel.k8s.io', [255, 0], 'nothing'],
    ['v4.channel.k8s.io', [], 'nothing'],
    ['v4.base64.channel.k8s.io', [48, 33], 'nothing'],
  ];
  for (const [name, bytes, kind] of cases)
    it(`${name} takes ${JSON.stringify(bytes)} for ${kind}`, () =>
      assert.equal(decodeMessage(protocol(name), Buffer.from(bytes)).kind, kind));
  it('may be as large as the largest message', () => {
    const bytes = Buffer.alloc(20 << 20, 1);
    const base64 = protocol('v4.base64.channel.k8s.io');
    const message = Buffer.from(encodeMessage(base64, 0, bytes) as string);
    const decoded = decodeMessage(base64, message);
    assert.ok(decoded.kind === 'data' && decoded.data.equals(bytes));
  });
  it('of base64 are whole groups of four', () => {
    const taken = (text: string) =>
      decodeMessage(protocol('v4.base64.channel.k8s.io'), Buffer.from(`0${text}`)).kind === 'data';
    for (const text of ['', 'AAAA', 'AA==', 'AAA=', 'AAAAA+/=']) assert.ok(taken(text), text);
    for (const text of ['A', 'AA', 'AAA', '=', '==', '====', 'A===', 'AA=A', 'AA==AAAA', 'AA A'])
      assert.ok(!taken(text), text);
  });
  it("are spoken as the client's first known protocol says", () => {
    const chosen = (header?: string) => chooseProtocol(requestedProtocols(header))?.name;
    assert.equal(chosen('x, v4.channel.k8s.io, v5.channel.k8s.io'), 'v4.channel.k8s.io');
    assert.equal(chosen(undefined), '');
    assert.equal(chosen('x'), undefined);
  });
});

describe('a request for streams', () => {
  it('names a pod, a container and perhaps a uid', () => {
    const at = { namespace: 'n', podName: 'p' };
    assert.deepEqual(streamRoute('/exec/n/p/c'), { kind: 'exec', ...at, container: 'c' });
    assert.deepEqual(streamRoute('/attach/n/p/u/c'), { kind: 'attach', ...at, podUid: 'u', container: 'c' });
    assert.equal(streamRoute('/portForward/n/p')?.kind, 'portForward');
    for (const path of ['/exec/n/p', '/exec/n/p/u/c/x', '/portForward/n', '/pods', '/exec//p/c'])
      assert.equal(streamRoute(path), undefined);
  });
  it('wants at least one stream, and no errors beside a terminal', () => {
    assert.throws(() => parseStreamOptions(new URLSearchParams('tty=1&error=1')), /at least 1 of/);
    assert.deepEqual(parseStreamOptions(new URLSearchParams('tty=1&input=1&error=1')), {
      stdin: true,
      stdout: false,
      stderr: false,
      tty: true,
    });
  });
  it('for a port says which', () => {
    const asked = (headers: Record<string, string>) =>
      readRequest({ id: 3, headers: new Map(Object.entries(headers)) });
    assert.deepEqual(asked({ port: '80', streamtype: 'data', requestid: '7' }), {
      id: '7',
      type: 'data',
      port: 80,
    });
    assert.equal(asked({ port: '80', streamtype: 'data' })?.id, '1');
    for (const port of ['', '0', '65536', 'x']) assert.equal(asked({ port, streamtype: 'data' }), undefined);
    assert.equal(asked({ port: '80', streamtype: 'x' }), undefined);
  });
});

it('an end is told as a Status, or as the text of a failure', () => {
  const failed = exitStatus(['false'], 1);
  assert.deepEqual(failed.details, { causes: [{ reason: 'ExitCode', message: '1' }] });
  assert.equal(statusText(SUCCESS, true), '{"status":"Success"}');
  assert.equal(statusText(SUCCESS, false), '');
  assert.match(statusText(failed, false), /^command terminated with non-zero exit code/);
});

it('sizes of a terminal are read however they are cut', () => {
  const sizes = new TerminalSizes();
  const read = (piece: string) => sizes.push(Buffer.from(piece));
  assert.deepEqual(read('{"Width":80,"Hei'), []);
  assert.deepEqual(read('ght":24}\n{"Width":1,"Height":2}{"Width":-1,"Height":2}{"x"}'), [
    { columns: 80, rows: 24 },
    { columns: 1, rows: 2 },
  ]);
});
