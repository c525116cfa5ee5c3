/**
 * The page: a bundle comes in by hand, a verdict goes out to the screen, and nothing goes anywhere else.
 *
 * | quantity | unit         | range                                              |
 * |----------|--------------|----------------------------------------------------|
 * | pause    | milliseconds | one every {@link WORK_MILLISECONDS_MAX} of work    |
 */

import { reasonOf } from '../base/bytes.ts';
import { ofBlob, type Progress } from '../bundle/source.ts';
import { Authorities } from '../timestamp/authorities.ts';
import { toJson, VERDICTS, type Report } from '../verify/finding.ts';
import { parseTrust, type Trust } from '../verify/trust.ts';
import { verifyZip, type Verification } from '../verify/verify.ts';
import { find, make, prose } from './element.ts';
import { choosePlace, flip } from './flip.ts';
import { renderReport } from './render.ts';
import { VERDICT_NAME } from './words.ts';

/** How long the page may be deaf to its reader. */
export const WORK_MILLISECONDS_MAX = 40;
const SETTINGS_BYTES_MAX = 1 << 20;
/** How many reports are shown whole. */
const OPEN_COUNT_MAX = 3;

/** What the reader has given. */
type Given = { bundle: File | undefined; authorities: Authorities; roots: string[] };

export function start(): void {
  const given: Given = { bundle: undefined, authorities: new Authorities(), roots: [] };
  const take = (files: Iterable<File>): void => void takeFiles([...files], given);
  for (const id of ['bundle', 'trust-file']) {
    const input = find<HTMLInputElement>(id);
    input.addEventListener('change', () => take(input.files ?? []));
  }
  // Paper has nothing to unfold.
  window.addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((details) => (details.open = true)));
  find('verify').addEventListener('click', () => void verify(given));
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('dragenter', () => document.body.classList.add('dragged'));
  document.addEventListener('dragleave', (event) => event.relatedTarget ?? document.body.classList.remove('dragged'));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dragged');
    take(event.dataTransfer?.files ?? []);
  });
}

/** A ZIP is the bundle; anything else says whom the reader trusts. */
async function takeFiles(files: File[], given: Given): Promise<void> {
  complain('');
  for (const file of files) {
    const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
    const isBundle = (start[0] === 0x50 && start[1] === 0x4b) || file.size > SETTINGS_BYTES_MAX || /\.zip$/i.test(file.name);
    if (isBundle) takeBundle(file, given);
    else await takeTrust(file, given);
  }
  await verify(given);
}

/** Shows a file that was dropped where one that was chosen is shown. */
function takeBundle(file: File, given: Given): void {
  const chosen = new DataTransfer();
  chosen.items.add(file);
  find<HTMLInputElement>('bundle').files = chosen.files;
  given.bundle = file;
}

async function takeTrust(file: File, given: Given): Promise<void> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = await file.text();
  if (bytes[0] !== 0x30 && !/BEGIN (CERTIFICATE|X509 CRL)/.test(text)) {
    find<HTMLTextAreaElement>('trust').value = text;
    return;
  }
  try {
    given.roots.push(...given.authorities.add(bytes).map(({ name, fingerprint }) => `${name} (${fingerprint})`));
    find('roots').replaceChildren(...given.roots.map((root) => make('li', {}, root)));
  } catch (error) {
    complain(`\`${file.name}\` holds no authority's certificate: ${reasonOf(error)}`);
  }
}

async function verify(given: Given): Promise<void> {
  if (!given.bundle) return;
  let trust: Trust;
  try {
    trust = parseTrust(find<HTMLTextAreaElement>('trust').value, given.authorities);
  } catch (error) {
    complain(`Whose word you take could not be read: ${reasonOf(error)}`);
    return;
  }
  complain('');
  find('name').textContent = `${given.bundle.name}, ${given.bundle.size.toLocaleString('en')} bytes`;
  const verification = await watch(given.bundle.name, given.bundle, trust);
  show(verification, given.bundle, trust);
}

/** Verifies while the page shows how far it is. */
async function watch(name: string, blob: Blob, trust: Trust): Promise<Verification> {
  const [bar, status] = [find<HTMLProgressElement>('progress'), find('status')];
  let rested = performance.now();
  const rest = async (value: number, all: number, words: string): Promise<void> => {
    if (performance.now() - rested < WORK_MILLISECONDS_MAX) return;
    [bar.value, bar.max] = [value, Math.max(all, 1)];
    status.textContent = words;
    await new Promise((resolve) => setTimeout(resolve));
    rested = performance.now();
  };
  const progress: Progress = {
    read: (done, all) => rest(done, all, `Reading: ${Math.floor((100 * done) / all)} %`),
    judged: (done, all) => rest(done, all, `Judging: ${done} of ${all}`),
  };
  bar.hidden = false;
  const now = BigInt(Date.now()) * 1000n;
  const verification = await verifyZip(name, ofBlob(blob), trust, now, progress);
  bar.hidden = true;
  status.textContent = `Verdict: ${VERDICT_NAME[worstOf(verification.reports)]}.`;
  return verification;
}

function worstOf(reports: Report[]): Report['verdict'] {
  return VERDICTS.filter((verdict) => reports.some((report) => report.verdict === verdict)).at(-1) ?? 'cannot-tell';
}

function show({ reports, folder }: Verification, bundle: File, trust: Trust): void {
  const json = `${reports.map((report) => JSON.stringify(toJson(report))).join('\n')}\n`;
  const download = make('a', {
    class: 'button',
    download: bundle.name.replace(/(\.zip)?$/i, '.findings.json'),
    href: URL.createObjectURL(new Blob([json], { type: 'application/json' })),
  }, 'Save the findings (JSON)');
  const print = make('button', { type: 'button' }, 'Print');
  print.addEventListener('click', () => window.print());
  const place = folder && choosePlace(folder);
  const change = make('button', { type: 'button', id: 'flip' }, 'Change one byte and look');
  change.disabled = !place;
  const demonstration = make('section', { id: 'demonstration', 'aria-live': 'polite' });
  change.addEventListener('click', () => {
    if (place) void demonstrate(bundle, place, trust, demonstration);
  });
  find('result').replaceChildren(
    make('p', { class: 'actions' }, download, ' ', print, ' ', change),
    ...reports.map((report, n) => renderReport(report, reports.length <= OPEN_COUNT_MAX || n === 0)),
    demonstration,
  );
  find('result').querySelector<HTMLElement>('h2')?.focus({ preventScroll: true });
}

/** Verifies a copy with one byte changed. The bundle on the disk stays as it is. */
async function demonstrate(bundle: File, place: NonNullable<ReturnType<typeof choosePlace>>, trust: Trust, section: HTMLElement): Promise<void> {
  const { blob, before, after } = await flip(bundle, place);
  const { reports } = await watch(bundle.name, blob, trust);
  const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
  const words = `In memory, byte ${place.at} of \`${place.name}\` was changed from \`${hex(before)}\` to \`${hex(after)}\`: one bit. The file on your disk is as it was. This is what verifying says of the changed copy:`;
  const failed = reports.filter(({ verdict }) => verdict === 'failed');
  section.replaceChildren(
    make('h2', {}, 'The same bundle with one byte changed'),
    make('p', {}, ...prose(words)),
    ...(failed.length > 0 ? failed : reports).slice(0, 1).map((report) => renderReport(report)),
  );
  section.scrollIntoView({ block: 'start' });
}

function complain(words: string): void {
  find('complaint').replaceChildren(...prose(words));
}
