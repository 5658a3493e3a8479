import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TOOLS = join(ROOT, 'node_modules/.bin');

/** What would make two runs of one seed differ. */
const AMBIENT = [
  'Date.now()',
  'new Date()',
  'Date()',
  'performance.now()',
  'process.hrtime.bigint()',
  'process.uptime()',
  'AbortSignal.timeout(1)',
  'setTimeout(() => {}, 1)',
  'setInterval(() => {}, 1)',
  'setImmediate(() => {})',
  'Temporal',
  'Math.random()',
  'crypto.randomUUID()',
  'globalThis.crypto',
  'process.cwd()',
  'fetch("http://127.0.0.1")',
  'new WebSocket("ws://127.0.0.1")',
];
const MODULES = [
  ...['timers', 'timers/promises', 'perf_hooks', 'process'],
  ...['fs', 'fs/promises', 'child_process', 'os', 'net', 'dgram', 'worker_threads', 'cluster', 'vm'],
  ...['http', 'https', 'http2', 'tls', 'dns', 'dns/promises'],
];
const CHANCE = ['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues', 'randomFillSync'];

const imported = MODULES.map((name, index) => `import * as m${index} from 'node:${name}';`);
const drawn = CHANCE.map((name) => `import { ${name} } from 'node:crypto';`);
const used = AMBIENT.map((expression, index) => `export const v${index} = ${expression};`);
const kept = `export { ${[...MODULES.map((_, index) => `m${index}`), ...CHANCE].join(', ')} };`;
const PROBE = [...imported, ...drawn, ...used, kept];

/** A repository that has nothing but our rules and the same file in three folders. */
async function probed(test: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-rules-'));
  test.after(() => rm(directory, { recursive: true, force: true }));
  const biome = JSON.parse(await readFile(join(ROOT, 'biome.json'), 'utf8')) as object;
  await writeFile(join(directory, 'biome.json'), JSON.stringify({ ...biome, vcs: { enabled: false } }));
  await writeFile(join(directory, 'package.json'), '{"type":"module"}');
  await cp(join(ROOT, 'lint'), join(directory, 'lint'), { recursive: true });
  for (const folder of ['controllers', 'base', 'host']) {
    await mkdir(join(directory, 'src', folder), { recursive: true });
    await writeFile(join(directory, 'src', folder, 'probe.ts'), PROBE.join('\n'));
  }
  return directory;
}

/** What a tool says that finds something wrong. */
async function findings(tool: string, args: readonly string[], cwd: string): Promise<string> {
  return promisify(execFile)(join(TOOLS, tool), args, { cwd, maxBuffer: 1 << 26 }).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? assert.fail(String(error)),
  );
}

describe('what nothing outside base and host may reach', () => {
  it('is found by the linter, or by the import rules', async (test) => {
    const directory = await probed(test);
    const linted = await findings(
      'biome',
      ['lint', '--reporter=github', '--max-diagnostics=none', 'src'],
      directory,
    );
    const config = join(ROOT, '.dependency-cruiser.js');
    const cruised = await findings(
      'depcruise',
      ['--config', config, '--output-type', 'json', 'src'],
      directory,
    );
    const { violations } = (
      JSON.parse(cruised) as {
        summary: { violations: { from: string; to: string; rule: { name: string } }[] };
      }
    ).summary;
    const isRefused = (folder: string, text: string, line: number) =>
      linted
        .split('\n')
        .some(
          (finding) =>
            /lint\/style\/noRestricted|title=plugin/.test(finding) &&
            finding.includes(`src/${folder}/probe.ts,line=${line},`),
        ) ||
      violations.some(
        ({ from, to }) =>
          from === `src/${folder}/probe.ts` && text.endsWith(`from 'node:${to.replace('node:', '')}';`),
      );
    const refused = (folder: string) => PROBE.filter((text, index) => isRefused(folder, text, index + 1));
    assert.deepEqual(refused('controllers'), PROBE.slice(0, -1));
    assert.deepEqual(refused('host'), []);
    assert.deepEqual(
      refused('base').filter((text) => !text.startsWith('import')),
      [],
    );
  });
});
