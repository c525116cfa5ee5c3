/**
 * Opens `verify.html` from the disk in Chromium and Firefox, gives it a bundle and a fingerprint, and prints what it says.
 *
 *     node browsers.mjs '[{"page": PATH, "bundle": PATH, "trust": FINGERPRINT}, …]'
 *
 * Prints a line of JSON for each browser and case: `browser`, `verdict`, `text`, and `asked`, the addresses that were asked for
 * besides the page's own.
 */

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const puppeteer = createRequire(new URL('../../verifier/package.json', import.meta.url))('puppeteer-core');
const cases = JSON.parse(process.argv[2]);

/** Chromium as a CI machine has it runs as root, which its sandbox refuses. */
const BROWSERS = {
  chromium: { executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] },
  firefox: { browser: 'firefox', executablePath: '/usr/bin/firefox-esr' },
};

for (const [name, options] of Object.entries(BROWSERS)) {
  const browser = await puppeteer.launch({ ...options, headless: true });
  for (const { page: path, bundle, trust } of cases) {
    const page = await browser.newPage();
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    const address = pathToFileURL(path).href;
    await page.goto(address);
    await page.type('#trust', trust);
    await (await page.$('#bundle')).uploadFile(bundle);
    const isDone = () => document.getElementById('status')?.textContent?.startsWith('Verdict') && document.querySelector('.report h2') !== null;
    await page.waitForFunction(isDone, { timeout: 30_000 });
    const verdict = await page.$eval('.report h2', (heading) => heading.textContent);
    const text = await page.$eval('#result', (result) => result.textContent);
    const others = asked.filter((url) => url !== address && !url.startsWith('data:'));
    console.log(JSON.stringify({ browser: name, verdict, text, asked: others }));
    await page.close();
  }
  await browser.close();
}
