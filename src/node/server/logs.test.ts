import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import { scratchDirectory } from '../../host/linux/leftovers.test-support.ts';
import type { Pod, Stored } from '../../kube/index.ts';
import { LogWriter } from '../runtime/log-writer.ts';
import { chooseLog } from './choose-log.ts';
import { parseLogQuery } from './log-query.ts';
import { type LogOptions, readLog } from './read-log.ts';

const start = Date.UTC(2026, 0, 2, 3, 4, 5);
const plain: LogOptions = { follow: false, previous: false, timestamps: false };

describe('a log is read', () => {
  const cases: [string, Partial<LogOptions>, string][] = [
    ['whole', {}, 'one\ntwo\nthree'],
    ['from its end', { tailLines: 2 }, 'two\nthree'],
    ['not at all', { tailLines: 0 }, ''],
    ['with more lines asked than there are', { tailLines: 99 }, 'one\ntwo\nthree'],
    ['since a time', { sinceMs: start + 1000 }, 'two\nthree'],
    ['up to a limit', { limitBytes: 5 }, 'one\nt'],
    ['with times', { timestamps: true, tailLines: 1 }, '2026-01-02T03:04:07.000000000Z three'],
  ];
  for (const [name, options, expected] of cases)
    it(name, async (test) => {
      const { host, directory } = scratchDirectory(test);
      const clock = new FakeClock(start);
      const path = join(directory, '0.log');
      const writer = new LogWriter(host.files, clock, path);
      for (const text of ['one\n', 'two\n', 'three']) {
        await writer.write('stdout', Buffer.from(text));
        await clock.advance(1000);
      }
      await writer.close();
      const live = { running: () => false, onEnd: () => () => undefined };
      const chunks: Uint8Array[] = [];
      for await (const chunk of readLog(host.files, path, { ...plain, ...options }, live, test.signal))
        chunks.push(chunk);
      assert.equal(Buffer.concat(chunks).toString(), expected);
    });

  it('as it grows, over a change of files, until the container has ended', {
    timeout: 120_000,
  }, async (test) => {
    const { host, directory } = scratchDirectory(test);
    const clock = new FakeClock(start);
    const path = join(directory, '0.log');
    let writer = new LogWriter(host.files, clock, path);
    await writer.write('stdout', Buffer.from('one\n'));
    let running = true;
    let end = () => {};
    const live = {
      running: () => running,
      onEnd: (callback: () => void) => {
        end = callback;
        return () => undefined;
      },
    };
    let text = '';
    for await (const chunk of readLog(host.files, path, { ...plain, follow: true }, live, test.signal)) {
      text += Buffer.from(chunk).toString();
      if (text === 'one\n') await writer.write('stdout', Buffer.from('two\n'));
      else if (text === 'one\ntwo\n') {
        await writer.close();
        await host.files.rename(path, `${path}.old`);
        writer = new LogWriter(host.files, clock, path);
        await writer.write('stderr', Buffer.from('three\n'));
      } else {
        await writer.close();
        running = false;
        end();
      }
    }
    assert.equal(text, 'one\ntwo\nthree\n');
  });

  it('with what is written between a look at its end and a change of files', {
    timeout: 120_000,
  }, async (test) => {
    const { host, directory } = scratchDirectory(test);
    const clock = new FakeClock(start);
    const path = join(directory, '0.log');
    const write = async (text: string) => {
      const writer = new LogWriter(host.files, clock, path);
      await writer.write('stdout', Buffer.from(text));
      await writer.close();
    };
    await write('one\n');
    let moved = false;
    const openRead = async (file: string) => {
      const handle = await host.files.openRead(file);
      const read = async (position: number, maxBytes: number) => {
        const chunk = await handle.read(position, maxBytes);
        if (chunk.length > 0 || moved) return chunk;
        moved = true;
        await write('two\n');
        await host.files.rename(path, `${path}.old`);
        await write('three\n');
        return chunk;
      };
      return { ...handle, read };
    };
    const live = { running: () => !moved, onEnd: () => () => undefined };
    let text = '';
    const files = { ...host.files, openRead };
    for await (const chunk of readLog(files, path, { ...plain, follow: true }, live, test.signal))
      text += Buffer.from(chunk).toString();
    assert.equal(text, 'one\ntwo\nthree\n');
  });
});

describe('a log request', () => {
  it('is understood', () =>
    assert.deepEqual(
      parseLogQuery(new URLSearchParams('follow=true&tailLines=3&sinceSeconds=10&timestamps'), start),
      {
        follow: true,
        previous: false,
        timestamps: true,
        sinceMs: start - 10_000,
        tailLines: 3,
        limitBytes: undefined,
      },
    ));
  for (const query of ['tailLines=x', 'limitBytes=-1', 'sinceTime=yesterday'])
    it(`with ${query} is refused`, () =>
      assert.throws(() => parseLogQuery(new URLSearchParams(query), start), /invalid log options/));
});

describe('the container whose log is meant', () => {
  const pod = (status: object) =>
    ({
      metadata: { name: 'web-0' },
      status: { containerStatuses: [{ name: 'main', ...status }] },
    }) as unknown as Stored<Pod>;
  const last = { lastState: { terminated: { containerID: 'stowage://old' } } };
  const cases: [string, object, boolean, string | RegExp][] = [
    ['runs', { state: { running: {} }, containerID: 'stowage://new' }, false, 'new'],
    ['ran before', { state: { running: {} }, ...last }, true, 'old'],
    ['has ended', { state: { terminated: { containerID: 'stowage://x' } } }, false, 'x'],
    ['crashed and waits', { state: { waiting: { reason: 'CrashLoopBackOff' } }, ...last }, false, 'old'],
    [
      'waits',
      { state: { waiting: { reason: 'ContainerCreating' } } },
      false,
      /container "main" in pod "web-0" is waiting to start: ContainerCreating/,
    ],
    [
      'never ran before',
      { state: { running: {} } },
      true,
      /previous terminated container "main" in pod "web-0" not found/,
    ],
  ];
  for (const [name, status, previous, expected] of cases)
    it(name, () => {
      if (typeof expected === 'string') assert.equal(chooseLog(pod(status), 'main', previous), expected);
      else assert.throws(() => chooseLog(pod(status), 'main', previous), expected);
    });
});
