import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SpdyConnection } from './connection.ts';
import { encodeFrame, type Frame, FrameReader, ProtocolError } from './frames.ts';
import { decodeHeaders, encodeHeaders, HeaderCompressor, HeaderDecompressor } from './header-block.ts';
import { HEADER_DICTIONARY } from './header-dictionary.ts';
import type { SpdyStream } from './stream.ts';

const id = fc.nat(0x7fffffff);
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('DATA' as const), streamId: id, fin: fc.boolean(), data: bytes }),
  fc.record({
    type: fc.constant('SYN_STREAM' as const),
    streamId: id,
    fin: fc.boolean(),
    unidirectional: fc.boolean(),
    block: bytes,
  }),
  fc.record({
    type: fc.constantFrom('SYN_REPLY' as const, 'HEADERS' as const),
    streamId: id,
    fin: fc.boolean(),
    block: bytes,
  }),
  fc.record({ type: fc.constant('RST_STREAM' as const), streamId: id, status: id }),
  fc.record({ type: fc.constant('PING' as const), id }),
  fc.record({ type: fc.constant('GOAWAY' as const), lastStreamId: id, status: id }),
  fc.record({ type: fc.constant('WINDOW_UPDATE' as const), streamId: id, delta: id }),
  fc.record({ type: fc.constant('OTHER' as const), code: fc.constant(4), payload: bytes }),
);

/** With the prototype that frames have. */
const frame = anyFrame.map((fields) => ({ ...fields }));

describe('frames of SPDY', () => {
  it('come out as they went in, however they are cut', () =>
    fc.assert(
      fc.property(fc.array(frame), fc.array(fc.integer({ min: 1, max: 50 })), (frames, cuts) => {
        const reader = new FrameReader();
        let rest = Buffer.concat(frames.map(encodeFrame));
        const read: Frame[] = [];
        for (const cut of cuts) {
          read.push(...reader.push(rest.subarray(0, cut)));
          rest = rest.subarray(cut);
        }
        read.push(...reader.push(rest));
        assert.deepEqual(read, frames);
      }),
    ));
  it('that are none are refused, and nothing else is thrown', () =>
    fc.assert(
      fc.property(bytes, (garbage) => {
        try {
          new FrameReader().push(garbage);
        } catch (error) {
          assert.ok(error instanceof ProtocolError);
        }
      }),
    ));
  it('have bytes that others understand', () => {
    assert.equal(encodeFrame({ type: 'PING', id: 1 }).toString('hex'), '800300060000000400000001');
    const data = Buffer.from('hi');
    assert.equal(
      encodeFrame({ type: 'DATA', streamId: 3, fin: true, data }).toString('hex'),
      '00000003010000026869',
    );
  });
});

describe('headers of SPDY', () => {
  it('begin with the dictionary of the specification', () =>
    assert.equal(
      createHash('sha256').update(HEADER_DICTIONARY).digest('hex'),
      '51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02',
    ));
  it('come out as they went in, one block after the other', async () => {
    const compressor = new HeaderCompressor();
    const decompressor = new HeaderDecompressor();
    const headers = fc.dictionary(fc.string(), fc.string()).map((all) => new Map(Object.entries(all)));
    await fc.assert(
      fc.asyncProperty(headers, async (map) => {
        const block = await compressor.compress(encodeHeaders(map));
        assert.deepEqual(decodeHeaders(await decompressor.decompress(block)), map);
      }),
    );
  });
  it('that are none are refused', async () => {
    await assert.rejects(new HeaderDecompressor().decompress(Buffer.from('garbage')), ProtocolError);
    assert.throws(() => decodeHeaders(Buffer.from([0, 0, 0, 9])), ProtocolError);
  });
  it('that would fill the memory are refused', async () => {
    const block = await new HeaderCompressor().compress(Buffer.alloc(50_000_000));
    await assert.rejects(new HeaderDecompressor().decompress(block), /headers of more than/);
  });
});

describe('a connection of SPDY', () => {
  const connect = async () => {
    const [peer, transport] = duplexPair();
    const streams: SpdyStream[] = [];
    const served = new SpdyConnection(transport, (stream) => streams.push(stream)).serve();
    const compressor = new HeaderCompressor();
    const open = async (streamId: number, headers: Record<string, string>) => {
      const block = await compressor.compress(encodeHeaders(new Map(Object.entries(headers))));
      peer.write(encodeFrame({ type: 'SYN_STREAM', streamId, fin: false, unidirectional: false, block }));
      await once(peer, 'readable');
    };
    return { peer, streams, served, open };
  };

  it('has streams that the peer opens, writes and ends', async () => {
    const { peer, streams, served, open } = await connect();
    await open(1, { streamtype: 'data' });
    peer.write(encodeFrame({ type: 'DATA', streamId: 1, fin: false, data: Buffer.from('one ') }));
    peer.write(encodeFrame({ type: 'DATA', streamId: 1, fin: true, data: Buffer.from('two') }));
    assert.equal(streams[0]!.headers.get('streamtype'), 'data');
    assert.equal(await text(streams[0]!), 'one two');
    peer.end();
    await served;
    assert.ok(streams[0]!.destroyed);
  });

  it('is not read while the reader of a stream is behind', async () => {
    const { peer, streams, served, open } = await connect();
    await open(1, {});
    const data = Buffer.alloc(64 * 1024);
    let sent = 0;
    while (peer.write(encodeFrame({ type: 'DATA', streamId: 1, fin: false, data })) && sent < 100) sent++;
    assert.ok(sent < 100);
    assert.ok(streams[0]!.readableLength <= 2 * data.length);
    peer.destroy();
    streams[0]!.destroy();
    await served;
  });

  it('ends with what is no SPDY', async () => {
    const { peer, served } = await connect();
    peer.write('GET / HTTP/1.1\r\n\r\n'.replace('G', '\xff'), 'latin1');
    await assert.rejects(served, ProtocolError);
  });
});
