#!/usr/bin/env node
// Plain JavaScript on purpose: it must start on any Node to say which one is needed.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `stowage: needs Node.js 24 or later, but this is ${process.version}; "npm ci" in the project installs one, then use "npx stowage" or an npm script\n`,
  );
  process.exit(1);
}

// Keeps the compiled form of the sources beside the packages, so that the next start is quicker. Not below /tmp,
// where others could plant code for root to run.
enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/stowage', import.meta.url)));

const { main } = await import('../src/cli/main.ts');
process.exitCode = await main(process.argv.slice(2));
