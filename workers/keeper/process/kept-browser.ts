import type { Endpoint, Fence } from '../../../machines/session/session.types';
import type { Clock } from '../../../src/core/clock';
import { messageOf } from '../../../src/core/errors';
import type { BrowserDownloads } from '../downloads/browser-downloads';
import { BrowserUploads } from '../uploads/browser-uploads';
import type { BrowserFacts } from './browser-facts';
import type { BrowserExit, BrowserProcess } from './browser-process';
import type { DevToolsAddress } from './devtools';
import { LaunchError } from './browser-start';
import { CutFiles, type StoredCuts } from './cut-files';
import { reportExit, reportOrdered } from './gone-report';
import { KeeperError, type BrowserRecord, type GoneReport } from '../door/protocol';
import { copyParts } from './kept-profiles';
import type { Records, StoredBrowser } from '../books/records';
import type { SessionDisk } from '../books/tenant-disk';
import type { RunDirectory } from './run-directory';

/** Dependencies of {@link KeptBrowser}. */
export interface KeptBrowserDeps {
  readonly records: Records;
  readonly clock: Clock;
  readonly bootId: string;
  readonly endpointOf: (process: BrowserProcess) => Endpoint;
  readonly disk: SessionDisk;
  /** It sleeps after so long with nothing to do; null: it never does. */
  readonly sleepAfterMs: number | null;
  /** Called for every upload that was cut because the quota is used up. */
  readonly onUploadCut: (browser: KeptBrowser) => void;
  /** Called once when the browser has ended by itself, as soon as the exit is known. */
  readonly onGone: (browser: KeptBrowser) => void;
  /** Called once when process tree and run directory are gone, also after an end by order. */
  readonly onFreed: (browser: KeptBrowser) => void;
}

/** Starts the process; resolves when DevTools answers, rejects after everything is undone. */
export type Launch = (signal: AbortSignal) => Promise<BrowserProcess>;

/**
 * One browser as the keeper knows it: its claim and its state, `starting → running → closing → gone`. Records every
 * step before it acts on it, so that the next keeper can continue from there.
 */
export class KeptBrowser {
  #fence: Fence;
  #state: BrowserRecord['state'] = 'starting';
  #gone: (GoneReport & { readonly atMs: number }) | null = null;
  #process: BrowserProcess | null = null;
  #uploads: BrowserUploads | null = null;
  #endpoint: Endpoint | null = null;
  #holdsSlot = true;
  #ordered: string | null = null;
  #givenUp: GoneReport | null = null;
  #ending: Promise<void> | null = null;
  #launching: Promise<unknown> = Promise.resolve();
  #exitHandled: Promise<void> = Promise.resolve();
  #cut = new CutFiles();
  #isDetached = false;
  readonly #cancel = new AbortController();
  readonly #over = new AbortController();
  readonly #deps: KeptBrowserDeps;

  /** @param planned - the run directory, unless the browser brings its own because it was started ahead */
  constructor(
    readonly ref: string,
    fence: Fence,
    private readonly planned: RunDirectory,
    deps: KeptBrowserDeps,
  ) {
    this.#fence = fence;
    this.#deps = deps;
  }

  get directory(): RunDirectory {
    return this.#process?.directory ?? this.planned;
  }

  /** The run directory's name; never reused. */
  get name(): string {
    return this.directory.name;
  }

  get fence(): Fence {
    return this.#fence;
  }

  get state(): BrowserRecord['state'] {
    return this.#state;
  }

  /** The ancestor of all processes of this browser; null while there is none. */
  get rootPid(): number | null {
    return this.#holdsSlot ? (this.#process?.facts.shim.pid ?? null) : null;
  }

  /** Its downloads; null while there is no process. */
  get downloads(): BrowserDownloads | null {
    return this.#process?.downloads ?? null;
  }

  /** The files that clients have put beside it; null while there is no process. */
  get uploads(): BrowserUploads | null {
    return this.#uploads;
  }

  /** False once process tree and run directory are gone. */
  get holdsSlot(): boolean {
    return this.#holdsSlot;
  }

  /** How much its files may take. */
  get disk(): SessionDisk {
    return this.#deps.disk;
  }

  /** What its quotas have cut off. */
  get cut(): CutFiles {
    return this.#cut;
  }

  /** What identifies its process; null while there is no process. */
  get facts(): BrowserFacts | null {
    return this.#process?.facts ?? null;
  }

  /** Aborted when it has ended, or is ordered to end. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** When it ended, epoch milliseconds; null before. */
  get goneAtMs(): number | null {
    return this.#gone?.atMs ?? null;
  }

  record(): BrowserRecord {
    const gone = this.#gone === null ? null : { cause: this.#gone.cause, message: this.#gone.message };
    const known = { ref: this.ref, fence: this.#fence, state: this.#state, endpoint: this.#endpoint, gone };
    return { ...known, ...this.#cut.news };
  }

  /**
   * Runs the launch of this browser.
   *
   * @throws LaunchError; the browser then holds no slot any more and cannot be used again.
   */
  start(launch: Launch): Promise<Endpoint> {
    const starting = this.#start(launch);
    // For #endByOrder, which only waits for the end of the launch; the caller gets the error.
    this.#launching = starting.catch(() => undefined);
    return starting;
  }

  /** Takes over a browser that an earlier keeper started. */
  resume(process: BrowserProcess, cut: StoredCuts): void {
    this.#cut = new CutFiles({ cuts: cut.cuts, cutsHeard: cut.cutsHeard, uploadCut: cut.uploadCut });
    this.#attach(process);
  }

  /** Restores the report of a browser that ended before this keeper started. */
  remember(gone: GoneReport & { readonly atMs: number }): void {
    this.#gone = gone;
    this.#state = 'gone';
    this.#holdsSlot = false;
  }

  /**
   * Gives the browser to a new claim; the former one is void from then on (I6). The claim holds even if it cannot be
   * recorded: the next keeper then finds the older claim, and the worker adopts the browser once more.
   */
  async claim(to: Fence): Promise<void> {
    this.#fence = to;
    await this.#saveOrRetry();
  }

  /** Changes what is known of files that were cut. */
  async noteCut(change: (cut: CutFiles) => void): Promise<void> {
    change(this.#cut);
    await this.#saveOrRetry();
  }

  /** Ends the browser by order; resolves when its processes and files are gone. Every call waits for the same end. */
  order(message: string): Promise<void> {
    this.#ordered ??= message;
    this.#ending ??= this.#endByOrder();
    return this.#ending;
  }

  /** Ends a browser that is of no use any more, and reports why. */
  async giveUp(report: GoneReport): Promise<void> {
    if (this.#state !== 'running' || this.#process === null) return;
    this.#givenUp = report;
    this.#state = 'closing';
    await this.#process.end();
  }

  /**
   * Copies parts of the profile of the running browser, all as they are at one moment; answers the path of the copy.
   *
   * @throws KeeperError `unknown_claim` if it does not run any more; what the file system throws.
   */
  async copyProfile(parts: readonly string[]): Promise<string> {
    if (this.#state !== 'running' || this.#process === null)
      throw new KeeperError('unknown_claim', 'the browser does not run any more');
    return this.#process.whileStopped(() => copyParts(this.directory, parts));
  }

  /** The keeper exits, the browser keeps running. Unless it was ordered to end, the next keeper reports its end. */
  detach(): void {
    this.#isDetached = true;
    this.#process?.detach();
  }

  /** Where the liveness probe asks; null if the browser cannot be probed. */
  get probeAddress(): DevToolsAddress | null {
    const address = this.facts?.devTools ?? null;
    return this.#state === 'running' && address?.port !== 0 ? address : null;
  }

  async #start(launch: Launch): Promise<Endpoint> {
    const process = await launch(this.#cancel.signal).catch((error: unknown) => {
      this.#free();
      throw error;
    });
    const endpoint = this.#attach(process);
    try {
      await this.#deps.records.saveFirst(this.name, this.#stored(process));
    } catch (error) {
      // A browser that is not recorded would be unknown to the next keeper, so it must not be used.
      this.#ordered = 'it could not be recorded';
      await process.end();
      throw new LaunchError('launch_failed', `the browser could not be recorded: ${messageOf(error)}`);
    }
    if (this.#ordered !== null) throw new LaunchError('launch_cancelled', this.#ordered);
    return endpoint;
  }

  #attach(process: BrowserProcess): Endpoint {
    this.#process = process;
    this.#endpoint = this.#deps.endpointOf(process);
    this.#uploads = new BrowserUploads({
      ...{ directory: process.directory, allowance: this.disk.uploads, over: this.#over.signal },
      onCut: () => this.#deps.onUploadCut(this),
    });
    if (this.#state === 'starting') this.#state = 'running';
    this.#exitHandled = process.exited.then(exit => this.#onExit(process, exit));
    return this.#endpoint;
  }

  async #endByOrder(): Promise<void> {
    if (this.#state !== 'gone') this.#state = 'closing';
    this.#cancel.abort();
    this.#over.abort();
    await this.#launching;
    if (this.#process === null) return;
    await this.#saveOrRetry();
    await this.#process.end();
    await this.#exitHandled;
  }

  async #onExit(process: BrowserProcess, { status }: BrowserExit): Promise<void> {
    this.#over.abort();
    if (this.#isDetached && this.#ordered === null) return;
    const report = await this.#report(status, process);
    this.#gone = { ...report, atMs: this.#deps.clock.nowMs() };
    this.#state = 'gone';
    if (report.cause !== null) this.#deps.onGone(this);
    await this.#saveOrRetry();
    await process.end();
    this.#free();
  }

  async #report(status: number | null, process: BrowserProcess): Promise<GoneReport> {
    if (this.#givenUp !== null) return this.#givenUp;
    const report =
      this.#ordered === null ? await reportExit(status, process.directory, process.facts.cgroups) : null;
    return this.#ordered !== null || report === null ? reportOrdered(this.#ordered ?? 'ended') : report;
  }

  #free(): void {
    if (!this.#holdsSlot) return;
    this.#holdsSlot = false;
    this.#deps.onFreed(this);
  }

  async #saveOrRetry(): Promise<void> {
    const process = this.#process;
    if (process !== null) await this.#deps.records.saveOrRetry(this.name, this.#stored(process));
  }

  #stored(process: BrowserProcess): StoredBrowser {
    return {
      ...{ ref: this.ref, fence: this.#fence, bootId: this.#deps.bootId, facts: process.facts },
      ordered: this.#ordered !== null,
      gone: this.#gone,
      keepsProfile: this.directory.profileUse.isKept,
      sleepAfterMs: this.#deps.sleepAfterMs,
      ...this.#cut.stored,
    };
  }
}
