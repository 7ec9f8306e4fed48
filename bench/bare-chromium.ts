import { spawn, type ChildProcess } from 'node:child_process';
import { chown, mkdir, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer';
import { realChromium } from '../test/support/keeper-fixture';

/* The baseline: the browser that Holdfast starts, started by Puppeteer alone. */

const NOBODY = 65_534;

/** A browser that Puppeteer launched, and a way to remove all of it. */
export interface BareBrowser {
  readonly browser: Browser;
  /** Waits until the browser's process has gone. */
  close(): Promise<void>;
}

/** Whether a browser runs in its sandbox. As root that needs another user, as in Holdfast. */
export type Sandbox = 'on' | 'off';

/** `puppeteer.launch()` with the executable that Holdfast uses; measures nothing but the launch itself. */
export class BareChromium {
  private constructor(readonly executable: string) {}

  static async find(): Promise<BareChromium> {
    const choice = await realChromium();
    const program = choice.kind === 'chromium' ? choice.programs.chromium : undefined;
    if (program === undefined) throw new Error('there is no Chromium on this machine');
    return new BareChromium(program);
  }

  /** The folder is made before the clock starts. */
  async prepare(sandbox: Sandbox): Promise<() => Promise<BareBrowser>> {
    const folder = join(tmpdir(), `bare-${randomUUID().slice(0, 8)}`);
    const asNobody = sandbox === 'on' && process.getuid?.() === 0;
    await mkdir(folder, { mode: 0o700 });
    if (asNobody) await chown(folder, NOBODY, NOBODY);
    return async () => {
      const browser = await puppeteer.launch(
        asNobody ? this.#asNobody(folder) : this.#plain(folder, sandbox),
      );
      return {
        browser,
        close: async () => {
          await browser.close();
          await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
        },
      };
    };
  }

  /** The program alone, without Puppeteer; the folder is made before the clock starts. */
  async prepareSpawn(): Promise<() => Promise<ChildProcess>> {
    const folder = join(tmpdir(), `bare-${randomUUID().slice(0, 8)}`);
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    await mkdir(folder, { mode: 0o700 });
    if ('uid' in user) await chown(folder, NOBODY, NOBODY);
    const profile = `--user-data-dir=${join(folder, 'profile')}`;
    const args = [...puppeteer.defaultArgs(), profile, '--remote-debugging-port=0'];
    return () =>
      Promise.resolve(
        spawn(this.executable, args, {
          ...user,
          env: { ...process.env, HOME: folder, TMPDIR: folder },
          stdio: ['ignore', 'ignore', 'pipe'],
        }),
      );
  }

  #plain(folder: string, sandbox: Sandbox): Parameters<typeof puppeteer.launch>[0] {
    return {
      executablePath: this.executable,
      userDataDir: join(folder, 'profile'),
      args: sandbox === 'off' ? ['--no-sandbox'] : [],
    };
  }

  /* Puppeteer cannot start a browser as another user, so `setpriv` (util-linux) changes the user. */
  #asNobody(folder: string): Parameters<typeof puppeteer.launch>[0] {
    const user = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
    const profile = `--user-data-dir=${join(folder, 'profile')}`;
    return {
      executablePath: '/usr/bin/setpriv',
      ignoreDefaultArgs: true,
      args: [...user, this.executable, ...puppeteer.defaultArgs(), profile, '--remote-debugging-port=0'],
      env: { ...process.env, HOME: folder, TMPDIR: folder },
    };
  }
}
