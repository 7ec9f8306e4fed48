import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { ProcessIdentity } from '../../../src/core/process-identity';
import type { User } from './run-root';

const run = promisify(execFile);
const TIMEOUT_MS = 5_000;

/** Bit of SIGXFSZ (25) in the masks of /proc/<pid>/status. */
const SIGXFSZ_BIT = 1n << 24n;

/**
 * Limits how large a file a running process may write: its soft RLIMIT_FSIZE, changed from outside by prlimit(1) of
 * util-linux, because Node has no call for it. A write beyond it fails in the process (EFBIG); nothing else changes.
 * Linux only.
 */
export class FileLimit {
  /** @param shim - the parent of the browser, whose signal mask shows whether the browser survives such a write */
  constructor(
    private readonly browser: ProcessIdentity,
    private readonly shim: ProcessIdentity,
    private readonly user: User,
  ) {}

  /**
   * Makes every write beyond `bytes` fail.
   *
   * @throws if this machine does not support it, or the browser would be killed by it.
   */
  async lower(bytes: number): Promise<void> {
    if (!(await this.#isHarmless())) throw new Error('this browser would be killed by a limit on its files');
    await this.#set(String(bytes));
  }

  /**
   * Restores the hard limit, which Holdfast never changes.
   *
   * @throws if the process is gone, or this machine does not support it.
   */
  async lift(): Promise<void> {
    const limits = await readFile(`/proc/${this.browser.pid}/limits`, 'utf8');
    const [, soft, hard] = /^Max file size\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
    if (hard === undefined) throw new Error('the limits of the process cannot be read');
    if (soft !== hard) await this.#set(hard);
  }

  async #set(soft: string): Promise<void> {
    // As the browser's own user, which may do this without any capability; root without capabilities may not.
    const as = process.getuid?.() === 0 ? this.user : {};
    const args = [`--pid=${this.browser.pid}`, `--fsize=${soft}:`];
    await run('prlimit', args, { ...as, timeout: TIMEOUT_MS, env: { PATH: '/usr/local/bin:/usr/bin:/bin' } });
  }

  /* With the shim of an older version the browser does not ignore SIGXFSZ, which would kill it. */
  async #isHarmless(): Promise<boolean> {
    const status = await readFile(`/proc/${this.shim.pid}/status`, 'utf8');
    const ignored = /^SigIgn:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
    return (BigInt(`0x${ignored}`) & SIGXFSZ_BIT) !== 0n;
  }
}
