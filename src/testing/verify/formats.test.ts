import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FORMATS, resultText, summaryText } from './formats.ts';
import { type CheckResult, isConformant, type Outcome, type Report } from './report.ts';

const violation = {
  asked: 'DeleteVolume {"volume_id":"a<b>&\u0007"}',
  came: 'NOT_FOUND: no "a"',
  says: 'the call is idempotent',
  advice: 'answer OK',
};

function result(id: string, outcome: Outcome): CheckResult {
  return { id, title: `title of ${id}`, section: 'DeleteVolume', durationMs: 12, outcome };
}

function report(...results: CheckResult[]): Report {
  return {
    driver: { name: 'd.example.org', vendorVersion: '1', endpoint: 'unix:///d.sock' },
    claims: { plugin: ['CONTROLLER_SERVICE'], controller: [] },
    results,
  };
}

const passed = result('a', { kind: 'passed' });
const failed = result('b', { kind: 'failed', violation });
const blocked = result('c', { kind: 'blocked', reason: 'CreateVolume: INTERNAL' });
const skipped = result('d', { kind: 'skipped', reason: 'the driver does not claim it' });

describe('a report', () => {
  for (const [results, conformant] of [
    [[passed, skipped], true],
    [[passed, failed], false],
    [[passed, blocked], false],
  ] as const) {
    const kinds = results.map(({ outcome }) => outcome.kind).join(' and ');
    it(`with ${kinds} ${conformant ? 'is' : 'is not'} a conformant driver's`, () => {
      assert.equal(isConformant(report(...results)), conformant);
      assert.equal(JSON.parse(FORMATS.json(report(...results))).conformant, conformant);
    });
  }

  it('says of a failed check what was asked, what came, what the specification says and what to do', () => {
    assert.equal(
      resultText(failed),
      [
        'FAILED   b  title of b',
        `    asked:  ${violation.asked}`,
        '    came:   NOT_FOUND: no "a"',
        '    spec:   the call is idempotent (CSI 1.12, DeleteVolume)',
        '    do:     answer OK',
        '',
      ].join('\n'),
    );
  });

  it('ends with the numbers and the names of what is wrong', () => {
    assert.equal(
      summaryText(report(passed, failed, blocked, skipped)),
      '\n1 passed, 1 failed, 1 blocked, 1 skipped\n  failed: b\n  blocked: c\n',
    );
  });

  it('in text begins with who the driver is and what it claims', () => {
    assert.match(
      FORMATS.text(report(passed)),
      /^d\.example\.org 1 at unix:\/\/\/d\.sock\n {2}plugin: CONTROLLER_SERVICE\n {2}controller: none\n/,
    );
  });

  it('in JUnit counts, and escapes what XML cannot hold', () => {
    const xml = FORMATS.junit(report(passed, failed, blocked, skipped));
    assert.match(xml, /<testsuite name="d\.example\.org" tests="4" failures="1" errors="1" skipped="1">/);
    assert.match(xml, /<testcase name="b: title of b" classname="DeleteVolume" time="0\.012"><failure /);
    assert.match(xml, /message="NOT_FOUND: no &quot;a&quot;"/);
    assert.match(xml, /a&lt;b&gt;&amp;\ufffd/);
    assert.match(xml, /<error message="CreateVolume: INTERNAL"\/>/);
    assert.match(xml, /<skipped message="the driver does not claim it"\/>/);
    assert.equal(xml.match(/<testcase /g)?.length, 4);
    assert.equal(xml.match(/<\/testcase>/g)?.length, 4);
  });
});
