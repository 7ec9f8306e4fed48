import type { Logger } from '../../../src/core/logger';
import type { CutDownload } from '../downloads/download-quota';
import type { KeptBrowser } from '../process/kept-browser';

/** Counts what quotas have cut off, and notes it with each browser for its worker. */
export class CutTally {
  #downloads = 0;
  #uploads = 0;

  /** @param onChanged - called whenever a count has risen */
  constructor(
    private readonly log: Logger,
    private readonly onChanged: () => void,
  ) {}

  /** Since the keeper's start. */
  get counts(): { readonly downloadsCut: number; readonly uploadsCut: number } {
    return { downloadsCut: this.#downloads, uploadsCut: this.#uploads };
  }

  addDownloads(browser: KeptBrowser, cuts: readonly CutDownload[]): void {
    this.log.info({ ref: browser.ref, cuts: cuts.length }, 'downloads were cut off at the quota');
    this.#downloads += cuts.length;
    void browser.noteCut(cut => cut.addDownloads(cuts));
    this.onChanged();
  }

  addUpload(browser: KeptBrowser): void {
    this.log.info({ ref: browser.ref }, 'an upload was cut off at the quota');
    this.#uploads += 1;
    void browser.noteCut(cut => cut.addUpload());
    this.onChanged();
  }
}
