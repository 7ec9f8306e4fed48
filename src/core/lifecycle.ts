/** Something that was opened and has to be closed again. */
export type Disposer = () => Promise<void> | void;

/**
 * A stack of things to close, closed in reverse order of opening (rule: a composition root closes everything that it
 * opens). Node 20 has no AsyncDisposableStack.
 */
export class Lifecycle {
  readonly #disposers: { name: string; dispose: Disposer }[] = [];
  #closing: Promise<void> | null = null;

  /** Registers the function that closes a resource; the name is for the error if closing fails. */
  defer(name: string, dispose: Disposer): void {
    if (this.#closing !== null) throw new Error(`lifecycle is closed, cannot open ${name}`);
    this.#disposers.push({ name, dispose });
  }

  /**
   * Closes everything in reverse order; a failure does not keep the others open. Every further call waits for the first
   * one and has the same outcome.
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
