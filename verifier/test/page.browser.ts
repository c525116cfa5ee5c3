/**
 * The page in browsers, opened from the disk: what it says, what it asks for over a network (nothing), and whether
 * everybody can use it.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import puppeteer, { type Browser, type Page } from 'puppeteer-core';

import { crc32 } from '../src/bundle/crc32.ts';
import { ofBytes, SILENT } from '../src/bundle/source.ts';
import { toJson } from '../src/verify/finding.ts';
import { parseTrust } from '../src/verify/trust.ts';
import { verifyZip } from '../src/verify/verify.ts';

const ADDRESS = pathToFileURL(resolve('../src/evidence/bundle/verify.html')).href;
const SPECIMEN = resolve('../tests/specimens/1/bundle.zip');
const POLICY = resolve('../tests/specimens/1/keys/policy');
const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
const LARGE_BYTES = 100 << 20;
const LARGE_MILLISECONDS_MAX = 10_000;
const scratch = mkdtempSync(join(tmpdir(), 'page-'));
after(() => rmSync(scratch, { force: true, recursive: true }));

/** Chromium as a CI machine has it runs as root, which its sandbox refuses. */
const CHROMIUM = { executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] };
const FIREFOX = { browser: 'firefox', executablePath: '/usr/bin/firefox-esr' } as const;

for (const [name, options] of [['chromium', CHROMIUM], ['firefox', FIREFOX]] as const) {
  const isHere = existsSync(options.executablePath);
  if (!isHere && process.env['CI']) throw new Error(`${options.executablePath} is not installed`);
  describe(name, { skip: isHere ? false : `${options.executablePath} is not installed` }, () => {
    let browser: Browser | undefined;
    const open = async (width = 1000, height = 900): Promise<{ page: Page; said: string[]; asked: string[] }> => {
      browser ??= await puppeteer.launch({ ...options, headless: true });
      const page = await browser.newPage();
      const [said, asked]: [string[], string[]] = [[], []];
      page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
      page.on('pageerror', (error) => said.push(String(error)));
      page.on('request', (request) => asked.push(request.url()));
      await page.setViewport({ width, height });
      await page.goto(ADDRESS);
      return { page, said, asked };
    };
    after(async () => browser?.close());

    test('says what the verifier says, asks nobody, and complains of nothing', async () => {
      const { page, said, asked } = await open();
      await give(page, '#bundle', SPECIMEN);
      assert.equal(await verdict(page), 'Cannot tell', 'a stranger');
      await give(page, '#trust-file', POLICY);
      assert.equal(await verdict(page, 'Verified, with gaps'), 'Verified, with gaps');
      const shown = await page.$$eval('.report', (reports) => reports.map((report) => [...report.querySelectorAll('.check, .result')].map((part) => part.textContent)));
      const { reports } = await verifyZip('bundle.zip', ofBytes(readFileSync(SPECIMEN)), parseTrust(readFileSync(POLICY, 'utf8')), BigInt(Date.now()) * 1000n, SILENT);
      const words = { holds: 'holds', 'not-shown': 'not shown', fails: 'fails' };
      assert.deepEqual(shown, reports.map(({ findings }) => findings.flatMap(({ check, result }) => [words[result], check])));
      assert.deepEqual(said, []);
      assert.deepEqual(asked.filter((address) => address !== ADDRESS && !address.startsWith('data:')), []);
      await page.close();
    });

    test('cannot reach a network if it wanted to', async () => {
      const { page } = await open();
      const reached = await page.evaluate(async () => {
        const attempts: (() => Promise<unknown>)[] = [
          () => fetch('https://example.com/'),
          () => new Promise((done, failed) => Object.assign(new Image(), { onload: done, onerror: failed, src: 'https://example.com/a.png' })),
          () => new Promise((done, failed) => {
            const socket = new WebSocket('wss://example.com/');
            [socket.onopen, socket.onerror] = [done, failed];
          }),
        ];
        const results = await Promise.allSettled(attempts.map((attempt) => attempt()));
        return results.map(({ status }) => status);
      });
      assert.deepEqual(reached, ['rejected', 'rejected', 'rejected']);
      const policy = await page.$eval('meta[http-equiv]', (meta) => meta.getAttribute('content') ?? '');
      assert.match(policy, /^default-src 'none'; script-src 'sha256-[^ ]+ 'sha256-[^ ]+; style-src 'sha256-/);
      await page.close();
    });

    test('shows what one changed byte does', async () => {
      const { page, said } = await open();
      await page.type('#trust', readFileSync('../tests/specimens/1/keys/policy', 'utf8').split('\n').find((line) => line.startsWith('log '))?.split(' ')[1] ?? '');
      await give(page, '#bundle', SPECIMEN);
      assert.equal(await verdict(page), 'Verified, with gaps');
      await page.click('#flip');
      await page.waitForSelector('#demonstration .report');
      const text = await page.$eval('#demonstration', (section) => section.textContent ?? '');
      assert.match(text, /byte \d+ of data\/content\//);
      assert.match(text, /Failed/);
      assert.match(text, /is not as manifest-sha256\.txt says/);
      assert.equal(await page.$eval('.report h2', (heading) => heading.textContent), 'Verified, with gaps', 'the bundle itself stays as it was');
      assert.deepEqual(said, []);
      await page.close();
    });

    test('believes no forgery, and names it', async () => {
      const { page } = await open();
      const zip = readFileSync(SPECIMEN);
      const forge = (at: number): Buffer => {
        const forged = Buffer.from(zip);
        forged[at] = (forged[at] ?? 0) ^ 1;
        return forged;
      };
      const forgeries: [string, Buffer, RegExp][] = [
        ['a byte of the record', forge(contentOf(zip, 'data/entries/sp-c-000003-7/record.cbor') + 200), /record\.cbor/],
        ['a byte of the checkpoint', forge(contentOf(zip, 'data/log/checkpoint') + 60), /checkpoint/],
        ['bytes at the end', Buffer.concat([zip, Buffer.from('x')]), /not a ZIP/],
        ['nothing but the end', zip.subarray(zip.length - 22), /directory/],
        ['no ZIP at all', Buffer.from('PK, or so it says'), /not a ZIP/],
      ];
      await give(page, '#trust-file', POLICY);
      for (const [n, [what, bytes, culprit]] of forgeries.entries()) {
        const path = join(scratch, `forged-${name}-${n}.zip`);
        writeFileSync(path, bytes);
        await page.evaluate(() => document.getElementById('result')?.replaceChildren());
        await give(page, '#bundle', path);
        assert.equal(await verdict(page), 'Failed', what);
        assert.match(await page.$eval('#result', (result) => result.textContent ?? ''), culprit, what);
      }
      await page.type('#trust', 'nonsense');
      await page.click('#verify');
      await page.waitForFunction(() => document.getElementById('complaint')?.textContent !== '');
      await page.close();
    });

    test('can be used by everybody: axe finds nothing, in light and dark', async () => {
      const { page } = await open();
      const look = async (when: string): Promise<void> => {
        await page.evaluate(AXE);
        const violations = await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`))');
        assert.deepEqual(violations, [], when);
      };
      await look('before a bundle is given');
      await give(page, '#trust-file', POLICY);
      await give(page, '#bundle', SPECIMEN);
      await verdict(page);
      await look('with a verdict');
      await page.click('#flip');
      await page.waitForSelector('#demonstration .report');
      await look('with a failure');
      if (name === 'chromium') {
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
        await look('in the dark');
      }
      await page.close();
    });

    test('can be used with the keyboard alone', async () => {
      const { page } = await open();
      const order: string[] = [];
      for (let n = 0; n < 12 && !order.includes('verify'); n++) {
        await page.keyboard.press('Tab');
        order.push(await page.evaluate(() => document.activeElement?.id ?? ''));
      }
      assert.deepEqual([...new Set(order)].filter((id) => id !== ''), ['bundle', 'trust', 'trust-file', 'verify']);
      await give(page, '#bundle', SPECIMEN);
      assert.equal(await verdict(page), 'Cannot tell');
      assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'H2', 'the verdict has the focus');
      await page.focus('#trust');
      await page.keyboard.type(await fingerprint(page));
      await page.focus('#verify');
      await page.keyboard.press('Enter');
      assert.equal(await verdict(page, 'Verified, with gaps'), 'Verified, with gaps');
      await page.focus('#flip');
      await page.keyboard.press('Enter');
      await page.waitForSelector('#demonstration .report');
      await page.close();
    });

    test('needs no scrolling sideways at twice the size, nor on a phone', async () => {
      for (const width of [500, 320]) {
        const { page } = await open(width, 700);
        await give(page, '#bundle', SPECIMEN);
        await verdict(page);
        const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        assert.ok((content ?? 0) <= (window ?? 0), `${content} of ${window}`);
        await page.close();
      }
    });

    test('prints the verdict and every finding, and nothing to click', { skip: name === 'firefox' ? 'puppeteer emulates print in chromium alone' : false }, async () => {
      const { page } = await open();
      await give(page, '#bundle', SPECIMEN);
      await verdict(page);
      await page.emulateMediaType('print');
      await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
      const visible = await page.$$eval('input, button, textarea', (parts) => parts.filter((part) => part.getClientRects().length > 0).length);
      assert.equal(visible, 0);
      const folded = await page.$$eval('details', (all) => all.filter((details) => !details.open).length);
      assert.equal(folded, 0);
      const pdf = Buffer.from(await page.pdf({ format: 'a4' })).toString('latin1');
      const pages = pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0;
      assert.ok(pages >= 2 && pages <= 12, `${pages} pages`);
      await page.close();
    });

    test('reads 100 MB in under ten seconds, and goes on answering', async () => {
      const path = join(scratch, 'large.zip');
      if (!existsSync(path)) writeFileSync(path, withLargeFile(readFileSync(SPECIMEN)));
      const { page } = await open();
      const begun = performance.now();
      await give(page, '#bundle', path);
      assert.equal(await verdict(page, undefined, 60_000), 'Failed', 'a file that is not listed');
      const took = performance.now() - begun;
      assert.match(await page.$eval('#result', (result) => result.textContent ?? ''), /body-99\.bin/);
      console.log(`# ${name}: 100 MB in ${(took / 1000).toFixed(1)} s`);
      assert.ok(took < LARGE_MILLISECONDS_MAX, `${took} ms`);
      await page.close();
    });

    if (name === 'chromium') {
      test('saves the findings as the program prints them', async () => {
        const { page } = await open();
        const session = await page.createCDPSession();
        await session.send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath: scratch });
        await give(page, '#trust-file', POLICY);
        await give(page, '#bundle', SPECIMEN);
        await verdict(page, 'Verified, with gaps');
        await page.click('a[download]');
        const saved = join(scratch, 'bundle.findings.json');
        for (let n = 0; n < 100 && !existsSync(saved); n++) await new Promise((resolve) => setTimeout(resolve, 50));
        const lines = readFileSync(saved, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as unknown);
        const { reports } = await verifyZip('bundle.zip', ofBytes(readFileSync(SPECIMEN)), parseTrust(readFileSync(POLICY, 'utf8')), BigInt(Date.now()) * 1000n, SILENT);
        assert.deepEqual(lines, JSON.parse(JSON.stringify(reports.map(toJson))));
        await page.close();
      });
    }
  });
}

async function give(page: Page, input: string, path: string): Promise<void> {
  await page.$eval('#status', (status) => (status.textContent = ''));
  const element = await page.$(input);
  await (element as NonNullable<typeof element> & { uploadFile(path: string): Promise<void> }).uploadFile(path);
}

/** Waits for the verdict on the first subject, or for this one. */
async function verdict(page: Page, expected?: string, timeout = 20_000): Promise<string> {
  const isThere = (wanted: string | undefined): boolean => {
    const heading = document.querySelector('.report h2')?.textContent;
    const isDone = document.getElementById('status')?.textContent?.startsWith('Verdict') ?? false;
    return isDone && heading !== undefined && (wanted === undefined || heading === wanted);
  };
  await page.waitForFunction(isThere, { timeout }, expected);
  return (await page.$eval('.report h2', (heading) => heading.textContent)) ?? '';
}

async function fingerprint(page: Page): Promise<string> {
  return page.$$eval('.report dd code', (codes) => codes.map((code) => code.textContent ?? '').find((text) => text.startsWith('SHA256:')) ?? '');
}

/** Where the bytes of a file begin: behind its local header, and not where another file speaks of it. */
function contentOf(zip: Buffer, name: string): number {
  for (let at = zip.indexOf(name); at >= 0; at = zip.indexOf(name, at + 1)) {
    if (zip.toString('latin1', at - 30, at - 26) === 'PK\x03\x04') return at + name.length;
  }
  throw new Error(`no ${name}`);
}

/** Puts one more file of 100 MB among the content, as a bundle's ZIP would have it. */
function withLargeFile(zip: Buffer): Buffer {
  const name = Buffer.from('data/content/sp-c-000003-7/body-99.bin');
  const content = Buffer.alloc(LARGE_BYTES, 'all work and no play ');
  const start = zip.readUInt32LE(zip.length - 6);
  const directory = zip.subarray(start, zip.length - 22);
  const shared = Buffer.alloc(26);
  shared.writeUInt16LE(10, 0);
  shared.writeUInt16LE(0x21, 8);
  shared.writeUInt32LE(crc32(0, content), 10);
  shared.writeUInt32LE(content.length, 14);
  shared.writeUInt32LE(content.length, 18);
  shared.writeUInt16LE(name.length, 22);
  // Its place in the order of names: before the page of the same folder, after the folder before it.
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  const add = (header: Buffer, entry: Buffer): void => {
    const copy = Buffer.from(entry);
    copy.writeUInt32LE(offset, 42);
    local.push(header);
    central.push(copy);
    offset += header.length;
  };
  const own = Buffer.concat([Buffer.from('504b01020a03', 'hex'), shared, Buffer.alloc(6), Buffer.from('0000a481', 'hex'), Buffer.alloc(4), name]);
  let isAdded = false;
  for (let at = 0; at < directory.length; ) {
    const size = 46 + directory.readUInt16LE(at + 28);
    const entry = directory.subarray(at, at + size);
    const other = entry.subarray(46);
    if (!isAdded && Buffer.compare(other, name) > 0) {
      add(Buffer.concat([Buffer.from('504b0304', 'hex'), shared, name, content]), own);
      isAdded = true;
    }
    const from = entry.readUInt32LE(42);
    add(zip.subarray(from, from + 30 + other.length + entry.readUInt32LE(24)), entry);
    at += size;
  }
  const end = Buffer.from(zip.subarray(zip.length - 22));
  const whole = Buffer.concat(central);
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(whole.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, whole, end]);
}
