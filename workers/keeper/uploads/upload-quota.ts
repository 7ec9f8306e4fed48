import type { DiskAllowance } from '../books/tenant-disk';

/** How many files a session may have uploaded at a time. */
export const UPLOADS_MAX = 1_000;

/** Why a file was not taken: the quota, a full disk, or the browser is gone. */
export type UploadRefusal = 'quota' | 'disk_full' | 'gone';

/** A file that was not taken; nothing of it is left. */
export class UploadError extends Error {
  constructor(
    readonly refusal: UploadRefusal,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'UploadError';
  }
}

/** Counts the uploads of one browser, those included that are not complete: several may come at the same time. */
export class UploadQuota {
  #files = 0;
  #bytes = 0;

  constructor(private readonly allowance: DiskAllowance) {}

  /** Counts files that are there already, whatever the quota is: an earlier keeper may have had a larger one. */
  count(sizes: readonly number[]): void {
    this.#files += sizes.length;
    this.#bytes += sizes.reduce((sum, size) => sum + size, 0);
    this.allowance.claim(this.#bytes);
  }

  /**
   * Begins a file.
   *
   * @param expectedBytes - its size, if known; a file that cannot fit is refused before its first byte
   * @throws UploadError `quota`.
   */
  begin(expectedBytes: number | null): CountedFile {
    if (this.#files >= UPLOADS_MAX) throw new UploadError('quota', `there are ${UPLOADS_MAX} uploads`);
    let counted = 0;
    const countUpTo = (size: number): void => {
      this.#grow(size - counted);
      counted = size;
    };
    // All of it at once: of several files at a time the first ones become complete, instead of none.
    countUpTo(expectedBytes ?? 0);
    this.#files += 1;
    let size = 0;
    return {
      add: bytes => {
        size += bytes;
        if (size > counted) countUpTo(size);
      },
      drop: () => this.remove(counted),
    };
  }

  /** A file of this size is gone. */
  remove(size: number): void {
    this.#files -= 1;
    this.#bytes -= size;
    this.allowance.claim(this.#bytes);
  }

  #grow(bytes: number): void {
    const maxBytes = this.allowance.claim(this.#bytes + bytes);
    if (this.#bytes + bytes > maxBytes) {
      this.allowance.claim(this.#bytes);
      throw new UploadError('quota', `the uploads would take more than ${maxBytes} bytes`);
    }
    this.#bytes += bytes;
  }
}

/** A file that is being counted. */
export interface CountedFile {
  /** @throws UploadError `quota`; the file cannot become complete then. */
  add(bytes: number): void;
  /** The file has not become complete. */
  drop(): void;
}
