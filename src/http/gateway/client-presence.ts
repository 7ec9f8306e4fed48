import { messageOf } from '../../core/errors';
import type { SessionRef } from '../../core/ids';
import type { Logger } from '../../core/logger';
import type { ActivityStore } from '../../store/activity-store';

/**
 * How often presence is noted: several times within the shortest disconnect time-out, so that one note may fail.
 */
const NOTE_EVERY_MS = 2_000;

/** Dependencies of {@link ClientPresence}. */
export interface ClientPresenceParts {
  readonly activity: Pick<ActivityStore, 'notePresence'>;
  readonly log: Logger;
}

/**
 * Notes in Redis which sessions have a client in this process, connected or waiting, for those sessions that end
 * without one. If this process dies, the notes stop, and any other process ends the sessions.
 */
export class ClientPresence {
  readonly #clients = new Map<SessionRef, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly parts: ClientPresenceParts) {}

  /** A client of a session is here; the returned function says that it has gone. */
  hold(ref: SessionRef): () => void {
    this.#clients.set(ref, (this.#clients.get(ref) ?? 0) + 1);
    this.#timer ??= setInterval(() => void this.#note([...this.#clients.keys()]), NOTE_EVERY_MS);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#leave(ref);
    };
  }

  /** Stops; what is held is not noted any more. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#clients.clear();
  }

  #leave(ref: SessionRef): void {
    const left = (this.#clients.get(ref) ?? 0) - 1;
    if (left > 0) {
      this.#clients.set(ref, left);
      return;
    }
    this.#clients.delete(ref);
    if (this.#clients.size === 0) this.stop();
    // The time-out counts from here; without this note, from the one before.
    void this.#note([ref]);
  }

  async #note(refs: readonly SessionRef[]): Promise<void> {
    try {
      await this.parts.activity.notePresence(refs);
    } catch (error) {
      // No session ends by this while Redis is away; the next note follows.
      this.parts.log.debug({ reason: messageOf(error) }, 'the presence of clients could not be noted');
    }
  }
}
