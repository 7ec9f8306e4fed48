import type { StoredBrowser } from '../books/records';
import type { BrowserRecord } from '../door/protocol';
import type { CutDownload } from '../downloads/download-quota';

/** How many cut downloads of a browser are remembered; the latest ones. */
const CUTS_KEPT_MAX = 100;

/** What a record keeps of it. */
export type StoredCuts = Pick<StoredBrowser, 'cuts' | 'cutsHeard' | 'uploadCut'>;

/** What the quotas of one browser have cut off, and whether the worker has committed that. */
export class CutFiles {
  #stored: StoredCuts;

  constructor(stored: StoredCuts = { cuts: [], cutsHeard: false, uploadCut: 'none' }) {
    this.#stored = stored;
  }

  /** The downloads; only the latest, if there are very many. */
  get downloads(): readonly CutDownload[] {
    return this.#stored.cuts;
  }

  get stored(): StoredCuts {
    return this.#stored;
  }

  /** What the worker does not know. */
  get news(): Pick<BrowserRecord, 'hasNewCuts' | 'hasNewUploadCut'> {
    const { cuts, cutsHeard, uploadCut } = this.#stored;
    return {
      ...(cuts.length > 0 && !cutsHeard ? { hasNewCuts: true } : {}),
      ...(uploadCut === 'new' ? { hasNewUploadCut: true } : {}),
    };
  }

  /** Adds downloads. */
  addDownloads(cuts: readonly CutDownload[]): void {
    this.#stored = { ...this.#stored, cuts: [...this.#stored.cuts, ...cuts].slice(-CUTS_KEPT_MAX) };
  }

  /** Notes an upload; only the first one is reported. */
  addUpload(): void {
    if (this.#stored.uploadCut === 'none') this.#stored = { ...this.#stored, uploadCut: 'new' };
  }

  /** The worker has committed it; it is not reported again. */
  heard(kind: 'downloads' | 'uploads'): void {
    this.#stored = {
      ...this.#stored,
      ...(kind === 'downloads' ? { cutsHeard: true } : { uploadCut: 'heard' }),
    };
  }
}
