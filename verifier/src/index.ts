/**
 * Where the program begins: in a browser it starts the page; elsewhere it gives the verifier to whoever loaded it, as
 * the tests do, so that what they judge is the very program that the page holds.
 */

import { inMemory } from './bundle/folder.ts';
import { ofBytes, SILENT } from './bundle/source.ts';
import { start } from './page/main.ts';
import { Authorities } from './timestamp/authorities.ts';
import { toJson } from './verify/finding.ts';
import { parseTrust } from './verify/trust.ts';
import { verifyFolder, verifyZip } from './verify/verify.ts';

if (typeof document === 'undefined') {
  Object.assign(globalThis, { verifier: { Authorities, inMemory, ofBytes, parseTrust, SILENT, toJson, verifyFolder, verifyZip } });
} else {
  start();
}
