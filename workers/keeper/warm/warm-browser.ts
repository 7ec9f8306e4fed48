import { firstPageCommand } from '../../../src/core/first-page-command';
import { dropRemains } from '../books/remains';
import type { LaunchOptions } from '../door/protocol';
import type { BrowserProcess } from '../process/browser-process';
import type { StartOptions } from '../process/start-options';
import { PageWatch } from './page-watch';

/** How long it, and its forward proxy, may take to answer before it is used; on a quiet machine a millisecond. */
const ANSWER_PATIENCE_MS = 500;

/**
 * A browser that runs for nobody yet, its first page open. It has no record: a keeper that finds it at its start
 * removes it.
 */
export class WarmBrowser {
  /** Resolves when it cannot be used any more, for any reason but {@link handOver}. Never rejects. */
  readonly lost: Promise<void>;

  private constructor(
    private readonly process: BrowserProcess,
    private readonly page: PageWatch,
  ) {
    this.lost = new Promise(resolve => {
      void page.lost.then(resolve);
      void process.companionLost.then(resolve);
      void process.exited.then(() => resolve());
    });
  }

  /**
   * Opens the first page of a new browser, as the worker does for one that is not warm (src/browser/first-page.ts).
   *
   * @throws if that fails; then the browser is gone.
   */
  static async open(process: BrowserProcess, options: StartOptions): Promise<WarmBrowser> {
    try {
      return new WarmBrowser(
        process,
        await PageWatch.open(process.facts.devTools, firstPageCommand(options)),
      );
    } catch (error) {
      await process.end();
      throw error;
    }
  }

  /** The ancestor of all its processes. */
  get rootPid(): number {
    return this.process.facts.shim.pid;
  }

  /**
   * Gives the browser away, for one session alone; null if it is of no use: then it is still to be discarded.
   *
   * @throws if its forward proxy does not take the session's proxy; then it is still to be discarded, too.
   */
  async handOver({ proxy, profile }: LaunchOptions): Promise<BrowserProcess | null> {
    const [answers] = await Promise.all([
      this.page.answers(ANSWER_PATIENCE_MS),
      this.process.assignProxy(proxy, ANSWER_PATIENCE_MS),
    ]);
    if (!answers) return null;
    this.process.handOver(profile.isKept);
    this.page.close();
    return this.process;
  }

  /** Kills it; resolves when its processes and files are gone. */
  async discard(): Promise<void> {
    this.page.close();
    await this.process.end();
    await dropRemains(this.process.directory);
  }

  /** The keeper exits: stops watching. */
  detach(): void {
    this.page.close();
    this.process.detach();
  }
}
