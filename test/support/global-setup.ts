import { randomBytes } from 'node:crypto';
import { RUN_ID_VARIABLE } from './run-id';

/** Before the first file: names the run. Kept short, Unix sockets live below folders that start with it. */
export default function globalSetup(): void {
  process.env[RUN_ID_VARIABLE] = `hf-${randomBytes(3).toString('hex')}`;
}
