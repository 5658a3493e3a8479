// An API server alone on a data directory, for the crash test: prints its URL once it serves.
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { openPki } from '../../src/apiserver/auth/index.ts';
import { createApiServer } from '../../src/apiserver/http/index.ts';
import { createRegistry, openStore } from '../../src/apiserver/index.ts';
import { silentLogger, systemClock, systemRandom } from '../../src/base/index.ts';

const directory = process.argv[2]!;
const common = { clock: systemClock, random: systemRandom };
const pki = await openPki({ ...common, directory: join(directory, 'pki') });
const store = await openStore({ dataDir: join(directory, 'state') });
const registry = await createRegistry({ ...common, store });
const server = await createApiServer({ ...common, registry, pki, logger: silentLogger });
process.stdout.write(`${server.url}\n`);
// It is written at the exit, which never comes: without it each start would compile everything anew.
flushCompileCache();
