// The project quotas of XFS and ext4, which kernels of small machines are often made without.
import { describe } from 'node:test';
import { notInMachine } from './support.ts';

if (notInMachine) describe('quotas of the nas driver', { skip: notInMachine }, () => undefined);
else await import('../../src/drivers/nas/quota.test.ts');
