/** Something that was opened and has to be closed again. */
export type Disposer = () => Promise<void> | void;

/**
 * A stack of things to close, closed last-opened-first (rule: whatever a composition root opens, it closes).
 * Node 20 has no AsyncDisposableStack.
 */
export class Lifecycle {
  readonly #disposers: { name: string; dispose: Disposer }[] = [];
  #closing: Promise<void> | null = null;

  /** Registers what closes a resource; the name is for the error if it does not. */
  defer(name: string, dispose: Disposer): void {
    if (this.#closing !== null) throw new Error(`lifecycle is closed, cannot open ${name}`);
    this.#disposers.push({ name, dispose });
  }

  /**
   * Closes everything in reverse order; one that fails does not keep the others open. Every further call waits for
   * the first one and ends like it.
   *
   * @throws AggregateError naming everything that failed to close.
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: Error[] = [];
    for (let next = this.#disposers.pop(); next !== undefined; next = this.#disposers.pop()) {
      try {
        await next.dispose();
      } catch (cause) {
        failures.push(new Error(`closing ${next.name} failed`, { cause }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be closed');
  }
}
