import { randomBytes } from 'node:crypto';
import { RUN_ID_VARIABLE } from './run-id';

/** Before the first file: names the run. The name is short, because paths of Unix sockets contain it. */
export default function globalSetup(): void {
  process.env[RUN_ID_VARIABLE] = `hf-${randomBytes(3).toString('hex')}`;
}
