import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostBrowsers } from '../../workers/keeper/host';
import { makeTempDir, type TempDir } from './temp-dir';
import { pollUntil } from './poll-until';

/**
 * The outcome of each start of the browser, until a test changes it. `bombs`: it starts well, and has a fork bomb
 * beside it, which waits to be lit.
 */
export type Behaviour = 'well' | 'exits' | 'exits_once' | 'hangs' | 'bombs';

/** For `HOLDFAST_CHROMIUM_PATH`: a program that is Chromium or a broken one, as its behaviour says at each start. */
export class FakeBrowser {
  private constructor(
    readonly path: string,
    private readonly dir: TempDir,
  ) {}

  /** @throws if there is no real browser on this machine to start. */
  static async create(behaviour: Behaviour): Promise<FakeBrowser> {
    const { chromium: real } = await hostBrowsers(
      { chromiumPath: null, headlessShellPath: null },
      process.env['PATH'] ?? '',
    );
    if (real === undefined) throw new Error('no Chromium on this machine');
    const dir = await makeTempDir();
    const path = join(dir.path, 'browser.sh');
    const browser = new FakeBrowser(path, dir);
    await writeFile(
      path,
      `#!/bin/sh
read behaviour <'${dir.path}/behaviour'
case $behaviour in
  exits) echo 'something is missing here' >&2; exit 1 ;;
  exits_once) echo well >'${dir.path}/behaviour'; exit 1 ;;
  hangs) echo hanging >'${dir.path}/behaviour'; exec sleep 1000 ;;
  bombs)
    bomb() { bomb & bomb & sleep 60; }
    (until [ -e '${dir.path}/lit' ]; do sleep 0.1; done; bomb) & ;;
esac
exec '${real}' "$@"
`,
    );
    await chmod(path, 0o755);
    await browser.setBehaviour(behaviour);
    return browser;
  }

  /** Changes the outcome of all later starts. */
  async setBehaviour(behaviour: Behaviour): Promise<void> {
    const file = join(this.dir.path, 'behaviour');
    await writeFile(file, `${behaviour}\n`);
    await chmod(file, 0o666); // the browser's user changes it
  }

  /** Every fork bomb goes off, and those of later starts do at once. */
  async lightBombs(): Promise<void> {
    await writeFile(join(this.dir.path, 'lit'), '');
  }

  /** Waits until a start hangs; after that the behaviour is used up. */
  async untilHanging(): Promise<void> {
    const file = join(this.dir.path, 'behaviour');
    await pollUntil('a hanging browser', { timeoutMs: 10_000, everyMs: 10 }, async () =>
      (await readFile(file, 'utf8')) === 'hanging\n' ? true : undefined,
    );
  }

  /** Removes the program; browsers that run already go on. */
  async remove(): Promise<void> {
    await rm(this.path);
    await this.dir.remove();
  }
}
