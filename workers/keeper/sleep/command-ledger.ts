import type { KeptText } from './frames';

/** The CDP session of commands to the browser itself. */
const BROWSER = '';

/* Clients write the id first (Playwright) or behind the parameters (Puppeteer), Chromium writes it first. */
const ID_AT_THE_BEGINNING = /^\s*\{\s*"id"\s*:\s*(\d+)\s*[,}]/;
const ID_AT_THE_END = /,\s*"id"\s*:\s*(\d+)\s*(?:,\s*"sessionId"\s*:\s*"[^"]*"\s*)?\}\s*$/;
const SESSION_AT_THE_BEGINNING = /^\s*\{\s*"id"\s*:\s*\d+\s*,\s*"sessionId"\s*:\s*"([^"]*)"/;
const SESSION_AT_THE_END = /,\s*"sessionId"\s*:\s*"([^"]*)"\s*\}\s*$/;

/** Chromium's answer to what is no command. */
const ERROR_WITHOUT_ID = /^\{"error":/;

/** Nothing of this session is answered any more. */
const DETACHED = /^\{"method":"Target\.detachedFromTarget","params":\{"sessionId":"([^"]+)"/;

/** The commands of one CDP connection that wait for their answer. */
export class CommandLedger {
  readonly #bySession = new Map<string, Set<string>>();
  /** Commands whose id could not be read: they count as long as the connection is open. */
  #unknown = 0;

  /** How many wait. */
  get outstanding(): number {
    return [...this.#bySession.values()].reduce((sum, { size }) => sum + size, this.#unknown);
  }

  /** A client has sent this. */
  sent(text: KeptText): void {
    const command = text.isWhole ? parsed(text.head) : endsOf(text);
    if (command === null) {
      this.#unknown += 1;
      return;
    }
    const { id, sessionId } = command;
    const ids = this.#bySession.get(sessionId);
    if (ids === undefined) this.#bySession.set(sessionId, new Set([id]));
    else ids.add(id);
  }

  /** The browser has sent this. */
  received({ head, tail }: KeptText): void {
    const id = ID_AT_THE_BEGINNING.exec(head)?.[1];
    if (id !== undefined) this.#answered(id, SESSION_AT_THE_END.exec(tail)?.[1] ?? BROWSER);
    else if (ERROR_WITHOUT_ID.test(head)) this.#unknown = Math.max(0, this.#unknown - 1);
    else {
      const gone = DETACHED.exec(head)?.[1];
      if (gone !== undefined) this.#bySession.delete(gone);
    }
  }

  #answered(id: string, sessionId: string): void {
    const ids = this.#bySession.get(sessionId);
    ids?.delete(id);
    if (ids?.size === 0) this.#bySession.delete(sessionId);
  }
}

interface Command {
  readonly id: string;
  readonly sessionId: string;
}

function parsed(text: string): Command | null {
  try {
    // SAFETY: Object() makes an object of anything; its members are checked.
    const { id, sessionId } = Object(JSON.parse(text)) as { id?: unknown; sessionId?: unknown };
    if (typeof id !== 'number') return null;
    return { id: String(id), sessionId: typeof sessionId === 'string' ? sessionId : BROWSER };
  } catch {
    return null; // the browser says so
  }
}

/* A long message: only its ends were kept. */
function endsOf({ head, tail }: KeptText): Command | null {
  const id = ID_AT_THE_BEGINNING.exec(head)?.[1] ?? ID_AT_THE_END.exec(tail)?.[1];
  if (id === undefined) return null;
  const sessionId = SESSION_AT_THE_END.exec(tail)?.[1] ?? SESSION_AT_THE_BEGINNING.exec(head)?.[1];
  return { id, sessionId: sessionId ?? BROWSER };
}
