/** The part of a stream that {@link TurnWrites} needs. */
export interface HeldStream {
  cork(): void;
  uncork(): void;
}

/** Writes together what one turn of the event loop sends: each write is a system call that wakes its reader. */
export class TurnWrites {
  #isHolding = false;

  /** @param streams - called once a turn; some clients have no stream before they connect */
  hold(streams: () => readonly (HeldStream | undefined)[]): void {
    if (this.#isHolding) return;
    const held = streams().filter(stream => stream !== undefined);
    if (held.length === 0) return;
    this.#isHolding = true;
    for (const stream of held) stream.cork();
    setImmediate(() => {
      this.#isHolding = false;
      for (const stream of held) stream.uncork();
    });
  }
}
