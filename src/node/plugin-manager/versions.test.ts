import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { highestSupportedVersion, negotiatedVersion } from './versions.ts';

describe('highestSupportedVersion', () => {
  const cases: [string[], string | RegExp][] = [
    [['1.0.0'], '1.0.0'],
    [['v1.2.0', '1.10.0', '0.3.0'], '1.10.0'],
    [['2.0.0', ' v1.4.0-rc1 '], '1.4.0'],
    [['2.0.0'], /^could not find a highest supported version from versions \(\[2\.0\.0\]\) reported: <nil>$/],
    [[], /^empty array for supported versions$/],
    [['0.3.0', '2.0.0'], /^highest supported version reported is 0\.3\.0, must be v1\.x$/],
    [['latest'], /versions \(\[latest\]\) reported: could not parse "latest" as version$/],
    [['1'], /reported: illegal version string "1"$/],
    [['01.2'], /reported: illegal zero-prefixed version component "01" in "01\.2"$/],
  ];
  for (const [versions, expected] of cases) {
    it(`of ${versions.join(' ') || 'none'}`, () => {
      if (typeof expected === 'string') assert.equal(highestSupportedVersion(versions).text, expected);
      else assert.throws(() => highestSupportedVersion(versions), { message: expected });
    });
  }
});

describe('negotiatedVersion', () => {
  const known = highestSupportedVersion(['1.1.0']);
  const refused = 'kubernetes.io/csi: ValidatePlugin for CSI driver "d" failed. ';
  const cases: [string, string[], boolean, string][] = [
    ['is the highest', ['1.0.0', '1.2.0'], false, '1.2.0'],
    ['replaces a lower one of the same name', ['1.2.0'], true, '1.2.0'],
    [
      'does not replace as high a one',
      ['1.1.0'],
      true,
      `${refused}Another driver with the same name is already registered with a higher supported version: "1.1.0"`,
    ],
    ['is none of none', [], false, `${refused}Plugin returned an empty list for supported versions`],
    [
      'is none of what it does not know',
      ['2.0.0', 'x'],
      false,
      `${refused}None of the versions specified ["2.0.0" "x"] are supported. err=could not find a highest ` +
        'supported version from versions ([2.0.0 x]) reported: could not parse "x" as version',
    ],
  ];
  for (const [what, versions, isKnown, expected] of cases)
    it(what, () => {
      const negotiate = () => negotiatedVersion('d', versions, isKnown ? known : undefined);
      if (expected.startsWith('kubernetes.io')) assert.throws(negotiate, { message: expected });
      else assert.equal(negotiate().text, expected);
    });
});
