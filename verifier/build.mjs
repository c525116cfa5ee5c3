/**
 * Builds the page: one file that needs nothing else.
 *
 * `node build.mjs FILE` writes it; `node build.mjs --check FILE` says whether the file is what would be written, byte for
 * byte. Nothing here depends on the time, the machine or the order of a folder: esbuild and fflate are pinned, and fflate
 * packs in JavaScript, because zlib's bytes differ from one processor to another.
 */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { buildSync, transformSync } from 'esbuild';
import { gzipSync, strToU8 } from 'fflate';

/** The page's budget. */
const SIZE_BYTES_MAX = 100_000;

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

function bundle(entry) {
  const options = { bundle: true, charset: 'utf8', format: 'iife', legalComments: 'none', minify: true, target: 'es2022', write: false };
  const [file] = buildSync({ ...options, entryPoints: [here(entry)] }).outputFiles;
  return file.text.trimEnd();
}

const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

function page() {
  const style = transformSync(readFileSync(here('page/style.css'), 'utf8'), { loader: 'css', minify: true, charset: 'utf8' }).code.trimEnd();
  const [program, loader] = ['src/index.ts', 'src/loader.ts'].map(bundle);
  const packed = Buffer.from(gzipSync(strToU8(program), { level: 9, mem: 12, mtime: 0 })).toString('base64');
  const policy = ["default-src 'none'", `script-src ${hash(loader)} ${hash(program)}`, `style-src ${hash(style)}`, "base-uri 'none'", "form-action 'none'"];
  const programs = `<script type="text/plain" id="program">${packed}</script>\n<script>${loader}</script>`;
  const parts = { policy: policy.join('; '), style, programs };
  return readFileSync(here('page/page.html'), 'utf8').replace(/\{(\w+)\}/g, (_, name) => parts[name]);
}

const [first, second] = process.argv.slice(2);
const built = page();
const size = Buffer.byteLength(built);
console.log(`${size} bytes, SHA-256 ${createHash('sha256').update(built).digest('hex')}`);
if (size > SIZE_BYTES_MAX) throw new Error(`the page has ${size} bytes, and its budget is ${SIZE_BYTES_MAX}`);
if (first !== '--check') writeFileSync(first, built);
else if (readFileSync(second, 'utf8') !== built) throw new Error(`${second} is not what is built here: run \`node build.mjs ${second}\``);
