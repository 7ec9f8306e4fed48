/** How large an archive may be. The same bounds hold when it is packed, so what was packed can be unpacked. */
export interface ArchiveLimits {
  /** Bytes of all files together, not compressed. */
  readonly maxBytes: number;
  readonly maxFileBytes: number;
  /** Bytes of `state.json`, which is read into memory. */
  readonly maxStateBytes: number;
  readonly maxFiles: number;
  /** Bytes of a path in the profile. */
  readonly maxPathBytes: number;
  /** Parts of a path in the profile. */
  readonly maxDepth: number;
  /** Uncompressed bytes for each compressed one; small archives may compress better. */
  readonly maxRatio: number;
}

/** Up to here an archive may compress as well as it can: it is small whatever is in it. */
const ANY_RATIO_BYTES = 16 * 2 ** 20;

/**
 * The limits for profiles of a size.
 *
 * @param maxBytes - `HOLDFAST_CONTEXT_MAX_BYTES`
 */
export function archiveLimits(maxBytes: number): ArchiveLimits {
  return {
    maxBytes,
    maxFileBytes: maxBytes,
    maxStateBytes: Math.min(maxBytes, 32 * 2 ** 20),
    maxFiles: 20_000,
    maxPathBytes: 512,
    maxDepth: 12,
    maxRatio: 200,
  };
}

/** Counts files against limits. */
export class ArchiveTally {
  #bytes = 0;
  #files = 0;

  constructor(private readonly limits: ArchiveLimits) {}

  /** Counts a file; answers the limit that it exceeds, or null. */
  add(path: string, bytes: number): keyof ArchiveLimits | null {
    this.#bytes += bytes;
    this.#files += 1;
    const { limits } = this;
    if (Buffer.byteLength(path) > limits.maxPathBytes) return 'maxPathBytes';
    if (path.split('/').length > limits.maxDepth) return 'maxDepth';
    if (this.#files > limits.maxFiles) return 'maxFiles';
    if (bytes > limits.maxFileBytes) return 'maxFileBytes';
    return this.#bytes > limits.maxBytes ? 'maxBytes' : null;
  }
}

/** Whether so few compressed bytes may not become so many. */
export function isBomb(limits: ArchiveLimits, compressedBytes: number, bytes: number): boolean {
  return bytes > ANY_RATIO_BYTES && bytes > limits.maxRatio * compressedBytes;
}
