/** What a reader cannot judge, and which therefore neither holds nor contradicts: an unknown root or algorithm. */

import { Refusal } from '../base/bytes.ts';

/** Not shown, rather than wrong. */
export class Unjudged extends Refusal {}
