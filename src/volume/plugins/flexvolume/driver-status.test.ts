import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_CAPABILITIES, parseDriverStatus } from './driver-status.ts';

describe('what a FlexVolume driver answers', () => {
  const refused: [string, string, RegExp][] = [
    [
      'nothing',
      '',
      /^Error: attach command failed: the driver wrote nothing; a JSON object with a status is/,
    ],
    ['chatter beside its answer', 'connecting …\n{"status":"Success"}', /bytes that are not JSON/],
    ['two answers', '{"status":"Success"}{"status":"Success"}', /bytes that are not JSON/],
    ['no object', '"Success"', /status in the driver's answer is not an object/],
    ['no status', '{}', /^Error: attach command failed, status: , reason: $/],
    [
      'a failure',
      '{"status":"Failure","message":"no such disk"}',
      /^Error: attach command failed, status: Failure, reason: no such disk$/,
    ],
    ['a status of another case', '{"status":"success"}', /status: success, reason: $/],
    [
      'a device that is a number',
      '{"status":"Success","device":7}',
      /device in the driver's answer is not a string/,
    ],
    [
      'a capability that is a word',
      '{"status":"Success","capabilities":{"attach":"no"}}',
      /attach .* not a boolean/,
    ],
  ];
  for (const [name, output, error] of refused)
    it(`${name} is an error`, () => assert.throws(() => parseDriverStatus('attach', output), error));

  it('may be that it does not support the command', () => {
    assert.equal(parseDriverStatus('attach', ' {"status": "Not supported"}\n'), undefined);
  });

  it('has the defaults where it says nothing', () => {
    assert.deepEqual(parseDriverStatus('init', '{"status":"Success"}')?.capabilities, DEFAULT_CAPABILITIES);
    const some = '{"Status":"Success","CAPABILITIES":{"Attach":false,"fsGroup":null,"later":1}}';
    assert.deepEqual(parseDriverStatus('init', some)?.capabilities, {
      ...DEFAULT_CAPABILITIES,
      attach: false,
    });
  });

  it('never surprises, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (output) => {
        try {
          const status = parseDriverStatus('mount', output);
          assert.ok(status === undefined || status.status === 'Success');
        } catch (error) {
          assert.match(String(error), /^Error: mount command failed/);
        }
      }),
    );
  });
});
