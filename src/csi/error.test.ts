import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, codeName } from './codes.ts';
import { CsiError, isFinalError, provisioningState, rpcErrorText } from './error.ts';

function errorOf(code: Code): CsiError {
  return new CsiError({ method: '/csi.v1.Node/NodeGetInfo', endpoint: 'unix:///s', code, details: 'd' });
}

describe('rpcErrorText', () => {
  const table: [Code, string][] = [
    [Code.NOT_FOUND, 'NotFound'],
    [Code.DEADLINE_EXCEEDED, 'DeadlineExceeded'],
    [Code.CANCELLED, 'Canceled'],
    [Code.INTERNAL, 'Internal'],
  ];
  for (const [code, name] of table) {
    it(`${codeName(code)} is ${name}`, () => {
      assert.equal(rpcErrorText(errorOf(code)), `rpc error: code = ${name} desc = d`);
    });
  }

  it('is the message of any other error', () => assert.equal(rpcErrorText(new Error('plain')), 'plain'));
});

describe('isFinalError', () => {
  const nonFinal = new Set<Code>([
    Code.CANCELLED,
    Code.DEADLINE_EXCEEDED,
    Code.UNAVAILABLE,
    Code.RESOURCE_EXHAUSTED,
    Code.ABORTED,
  ]);
  for (const code of Object.values(Code)) {
    if (code === Code.OK) continue;
    it(`${codeName(code)} is ${nonFinal.has(code) ? 'not ' : ''}final`, () => {
      assert.equal(isFinalError(errorOf(code)), !nonFinal.has(code));
    });
  }

  it('an error that is no answer of a driver is not final', () => {
    assert.equal(isFinalError(new Error('no such socket')), false);
    assert.equal(isFinalError(undefined), false);
  });
});

describe('provisioningState', () => {
  const cases: [Code, boolean, string][] = [
    [Code.RESOURCE_EXHAUSTED, true, 'reschedule'],
    [Code.RESOURCE_EXHAUSTED, false, 'finished'],
    [Code.CANCELLED, true, 'in-background'],
    [Code.DEADLINE_EXCEEDED, true, 'in-background'],
    [Code.UNAVAILABLE, false, 'in-background'],
    [Code.ABORTED, false, 'in-background'],
    [Code.INVALID_ARGUMENT, true, 'finished'],
    [Code.UNKNOWN, false, 'finished'],
  ];
  for (const [code, mayReschedule, state] of cases) {
    it(`${codeName(code)} means ${state}${mayReschedule ? ' when another node can be chosen' : ''}`, () => {
      assert.equal(provisioningState(errorOf(code), mayReschedule), state);
    });
  }

  it('an error that is no answer of a driver means in-background', () => {
    assert.equal(provisioningState(new Error('?'), true), 'in-background');
  });
});

describe('codeName', () => {
  it('a number outside the standard is UNKNOWN', () => assert.equal(codeName(99), 'UNKNOWN'));
});

describe('CsiError', () => {
  it('names the endpoint when the driver is not known', () => {
    assert.equal(errorOf(Code.INTERNAL).message, 'NodeGetInfo on unix:///s: INTERNAL: d');
  });
});
