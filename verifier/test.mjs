/** Runs the tests with node's own runner: `node test.mjs` for the units, `node test.mjs browser` for the page in browsers. */

import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { buildSync } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const kind = process.argv[2] === 'browser' ? '.browser.ts' : '.test.ts';
const files = readdirSync(`${here}test`).filter((name) => name.endsWith(kind));
const outdir = `${here}build`;
rmSync(outdir, { force: true, recursive: true });
buildSync({ absWorkingDir: here, bundle: true, entryPoints: files.map((name) => `test/${name}`), format: 'esm', outdir, outExtension: { '.js': '.mjs' }, packages: 'external', platform: 'node', target: 'node18' });
const built = files.map((name) => `build/${name.replace(/\.ts$/, '.mjs')}`);
process.exitCode = spawnSync(process.execPath, ['--test', ...built], { cwd: here, stdio: 'inherit' }).status ?? 1;
