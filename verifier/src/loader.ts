/**
 * The loader: unpacks the program and starts it.
 *
 * The program is kept packed (gzip, base64) so that the page stays small enough to be mailed and printed about. The page's
 * content-security policy names the SHA-256 of the unpacked program, so that the browser itself refuses any other.
 */

import { gunzipSync, strFromU8 } from 'fflate';

const packed = document.getElementById('program')?.textContent ?? '';
const bytes = Uint8Array.from(atob(packed.trim()), (character) => character.charCodeAt(0));
const program = document.createElement('script');
program.textContent = strFromU8(gunzipSync(bytes));
document.body.append(program);
