import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container, PodSpec } from '../../kube/index.ts';
import { containerConfig } from './container-config.ts';
import { pod } from './fixtures.ts';

describe('how far a pod wants to be kept from the machine', () => {
  type Case = [string, Partial<PodSpec>, Container['securityContext'], RegExp | undefined];
  const localhost = { type: 'Localhost', localhostProfile: 'x.json' };
  const cases: Case[] = [
    ['users of its own', { hostUsers: false }, undefined, /does not support user namespaces$/],
    ['those of the machine', { hostUsers: true }, undefined, undefined],
    ['a seccomp profile', { securityContext: { seccompProfile: localhost } }, undefined, /"x.json" cannot/],
    ['the same, of a container', {}, { seccompProfile: localhost }, /"x.json" cannot be had/],
    [
      'a container that wants none after all',
      { securityContext: { seccompProfile: localhost } },
      { seccompProfile: { type: 'Unconfined' } },
      undefined,
    ],
    [
      'the default profiles',
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
      { appArmorProfile: { type: 'RuntimeDefault' } },
      undefined,
    ],
    ['an AppArmor profile', {}, { appArmorProfile: localhost }, /^Error: Cannot enforce AppArmor/],
    [
      'a setting of the kernel',
      { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } },
      undefined,
      /^Error: forbidden sysctl: "kernel.msgmax" not allowlisted$/,
    ],
  ];
  for (const [what, spec, securityContext, refused] of cases)
    it(what, () => {
      const container: Container = { name: 'main', command: ['x'], securityContext };
      const config = () =>
        containerConfig({
          pod: pod(spec),
          container,
          attempt: 0,
          podIp: '127.0.0.1',
          users: { passwd: '', group: '' },
          environment: new Map(),
          volumes: new Map(),
        });
      if (refused) assert.throws(config, refused);
      else assert.doesNotThrow(config);
    });
});
