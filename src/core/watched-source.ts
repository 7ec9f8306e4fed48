import { finished, PassThrough, type Readable } from 'node:stream';

/**
 * What a stream gives, and whether it was the stream that failed. `pipeline` cannot tell: it destroys all its streams
 * with the first error, and then each of them has failed with it.
 */
export class WatchedSource {
  /** To be read instead of the source. It fails with the source; if it is destroyed, so is the source. */
  readonly content = new PassThrough();
  #failure: Error | null = null;

  constructor(source: Readable) {
    finished(source, { writable: false }, error => {
      if (!error || this.content.destroyed) return;
      this.#failure = error;
      this.content.destroy(error);
    });
    // The failure is kept, and nobody may be reading yet.
    this.content.on('error', () => undefined);
    this.content.once('close', () => source.destroy());
    source.pipe(this.content);
  }

  /** Why the source failed; null: it did not. */
  get failure(): Error | null {
    return this.#failure;
  }
}
