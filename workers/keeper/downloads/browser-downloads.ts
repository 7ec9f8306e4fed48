import { messageOf } from '../../../src/core/errors';
import type { Logger } from '../../../src/core/logger';
import { watchDownloads, type FinishedDownload } from './download-watch';
import {
  listDownloads,
  openDownload,
  removeDownload,
  renameDownload,
  type Download,
  type OpenDownload,
} from './downloads';
import type { DevToolsAddress } from '../process/devtools';

/** How many downloads can be requested by their guid; older ones only by name. */
const GUIDS_KEPT_MAX = 10_000;

/** The folder and user of a browser's downloads. */
export interface BrowserDownloadsParts {
  /** The folder. */
  readonly path: string;
  /** The browser's user. */
  readonly uid: number;
  readonly log: Logger;
}

/**
 * The downloads of one browser. Outside of its own context Chromium can only give files names like `0d2f1c5e-…`, the
 * guid of the download in CDP. When they are complete they are renamed to their suggested name. They can be opened by
 * either.
 */
export class BrowserDownloads {
  readonly #parts: BrowserDownloadsParts;
  readonly #fileByGuid = new Map<string, string>();
  readonly #detached = new AbortController();
  #naming: Promise<void> = Promise.resolve();

  constructor(parts: BrowserDownloadsParts) {
    this.#parts = parts;
  }

  /** Starts to watch a browser; the null browser (port 0) is not watched. */
  watch(devTools: DevToolsAddress): void {
    if (devTools.port === 0) return;
    void watchDownloads(devTools, this.#detached.signal, download => {
      this.#naming = this.#naming.then(() => this.#onFinished(download));
    });
  }

  /** Stops the watch; existing files stay. */
  detach(): void {
    this.#detached.abort();
  }

  /** The downloads, sorted by name. */
  async list(): Promise<Download[]> {
    await this.#naming;
    return listDownloads(this.#parts.path, this.#parts.uid);
  }

  /** Whether the browser is writing one. A folder that cannot be read has none. */
  async isUnderWay(): Promise<boolean> {
    const downloads = await this.list().catch(() => []);
    return downloads.some(({ isComplete }) => !isComplete);
  }

  /** Opens a finished download by its name or guid; null if there is none. */
  async open(nameOrGuid: string): Promise<OpenDownload | null> {
    await this.#naming;
    const { path, uid } = this.#parts;
    return openDownload(path, this.#fileByGuid.get(nameOrGuid) ?? nameOrGuid, uid);
  }

  /** Removes a finished download by its name or guid; false if there is none. */
  async remove(nameOrGuid: string): Promise<boolean> {
    const found = await this.open(nameOrGuid);
    if (found === null) return false;
    await found.file.close();
    await removeDownload(this.#parts.path, this.#fileByGuid.get(nameOrGuid) ?? nameOrGuid);
    return true;
  }

  /* A file that cannot be renamed keeps its guid as name, and stays available. */
  async #onFinished({ guid, suggestedName, fileName }: FinishedDownload): Promise<void> {
    const { path, uid, log } = this.#parts;
    try {
      const named = fileName === guid ? await renameDownload(path, guid, suggestedName, uid) : fileName;
      this.#remember(guid, named);
    } catch (error) {
      log.warn(
        { folder: path, reason: messageOf(error) },
        'a download could not be renamed and keeps its guid as its name',
      );
    }
  }

  #remember(guid: string, name: string): void {
    this.#fileByGuid.set(guid, name);
    const [oldest] = this.#fileByGuid.keys();
    if (this.#fileByGuid.size > GUIDS_KEPT_MAX && oldest !== undefined) this.#fileByGuid.delete(oldest);
  }
}
