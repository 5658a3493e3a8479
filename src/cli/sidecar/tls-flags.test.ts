import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSecureContext } from 'node:tls';
import { UsageError } from '../usage-error.ts';
import { parseFlags } from './go-flags.ts';
import { TLS_FLAGS, tlsDemands } from './tls-flags.ts';

const demands = (...args: string[]) => tlsDemands(parseFlags(TLS_FLAGS, args).values);

describe('what is demanded of TLS', () => {
  for (const [args, wanted] of [
    [[], { minVersion: 'TLSv1.2' }],
    [['--tls-min-version=VersionTLS12'], { minVersion: 'TLSv1.2' }],
    [['--tls-min-version=VersionTLS13'], { minVersion: 'TLSv1.3' }],
    [['--tls-cipher-suites=,'], { minVersion: 'TLSv1.2' }],
    [
      [
        '--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
      ],
      {
        minVersion: 'TLSv1.2',
        ciphers:
          'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305',
      },
    ],
    [
      ['--tls-curve-preferences=X25519MLKEM768,X25519,CurveP256,CurveP384,CurveP521'],
      { minVersion: 'TLSv1.2', ecdhCurve: 'X25519MLKEM768:X25519:P-256:P-384:P-521' },
    ],
  ] as const)
    it(`${args.join(' ') || 'without flags'} is taken by this Node`, () => {
      assert.deepEqual(demands(...args), wanted);
      createSecureContext(demands(...args));
    });

  for (const [args, says] of [
    [
      '--tls-min-version=VersionTLS11',
      'unsupported TLS version "VersionTLS11", must be one of: VersionTLS12, VersionTLS13',
    ],
    [
      '--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA',
      'unsupported or insecure cipher suite: "TLS_RSA_WITH_RC4_128_SHA"',
    ],
    [
      '--tls-curve-preferences=P256',
      'unsupported curve "P256", must be one of: CurveP256, CurveP384, CurveP521, X25519, X25519MLKEM768',
    ],
  ] as const)
    it(`refuses ${args}`, () =>
      assert.throws(
        () => demands(args),
        (error) => error instanceof UsageError && error.message === says,
      ));
});
