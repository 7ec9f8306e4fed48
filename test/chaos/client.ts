import { pause } from '../../src/core/abort';
import { callApi } from '../support/api';
import type { Installation, SessionView } from '../support/installation';
import type { Random } from './random';
import type { ClientCall, Visit, Wish } from './recording';
import { visit } from './visit';

/** A call that takes longer was interrupted by a fault: its outcome is unknown. */
const CALL_TIMEOUT_MS = 10_000;

/** What a client does besides. */
export interface Habits {
  /** The time-out of sessions that are not to end by themselves, milliseconds. */
  readonly longTimeoutMs: number;
  /** Whether it looks into the browsers of its sessions. */
  readonly visits: boolean;
  /** The proxy of a third of its sessions; null: none has one. */
  readonly proxy: { readonly server: string; readonly username: string; readonly password: string } | null;
}

/** The creates to repeat after the faults, because they got no answer. */
export type Unsettled = readonly Wish[];

/** A client that creates, reads and releases sessions at random, and records every call. */
export class ChaosClient {
  readonly calls: ClientCall[] = [];
  readonly visits: Visit[] = [];
  readonly #unsettled = new Set<Wish>();

  constructor(
    private readonly installation: Installation,
    private readonly name: string,
    private readonly random: Random,
    private readonly habits: Habits,
  ) {}

  /** Runs one session after the other until told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    for (let n = 0; !signal.aborted; n += 1) {
      const wish: Wish = {
        timeoutMs: this.random.pick([
          [3, this.random.between(1_000, 5_000)],
          [2, this.habits.longTimeoutMs],
        ]),
        queueTimeoutMs: this.random.pick([
          [1, this.random.between(1_000, 4_000)],
          [3, 120_000],
        ]),
        idempotencyKey: `${this.name}-${n}`,
        isProxied: this.habits.proxy !== null && this.random.next() < 1 / 3,
      };
      this.#unsettled.add(wish);
      const id = await this.#settle(wish, signal);
      if (id !== null) await this.#live(id, signal);
    }
  }

  /** Repeats every create that was never answered; call it when the service works again. */
  async settleAll(signal: AbortSignal): Promise<void> {
    for (const wish of [...this.#unsettled]) await this.#settle(wish, signal);
  }

  /** How many creates have an unknown outcome. */
  get unsettled(): number {
    return this.#unsettled.size;
  }

  /* Repeats a create under its key until it is answered with a session, as every client should. */
  async #settle(wish: Wish, signal: AbortSignal): Promise<string | null> {
    while (!signal.aborted) {
      const id = await this.#create(wish);
      if (id !== null) {
        this.#unsettled.delete(wish);
        return id;
      }
      await pause(this.random.between(20, 200), signal);
    }
    return null;
  }

  /* Some sessions are read until they end by themselves, some are released, some are left alone. */
  async #live(id: string, signal: AbortSignal): Promise<void> {
    const looks = this.random.between(0, 12);
    for (let i = 0; i < looks && !signal.aborted; i += 1) {
      await pause(this.random.between(20, 250), signal);
      await this.#visit(id, await this.#call('read', id));
    }
    if (this.random.next() < 0.6) await this.#call('release', id);
  }

  async #create(wish: Wish): Promise<string | null> {
    const { timeoutMs: timeout, queueTimeoutMs: queueTimeout, isProxied } = wish;
    const { proxy } = this.habits;
    const beganMs = Date.now();
    const answer = await this.#send('POST', '/v1/sessions', {
      body: { timeout, queueTimeout, ...(isProxied ? { proxy } : {}) },
      headers: { 'idempotency-key': wish.idempotencyKey, prefer: `wait=${this.random.between(0, 3)}` },
    });
    const id = answer?.session?.id ?? answer?.endedId ?? null;
    const status = answer?.status ?? null;
    this.calls.push({ op: 'create', wish, beganMs, endedMs: Date.now(), status, id });
    return id;
  }

  async #visit(id: string, session: SessionView | null): Promise<void> {
    if (!this.habits.visits || typeof session?.websocketUrl !== 'string') return;
    const beganMs = Date.now();
    const marks = await visit(session.websocketUrl, id);
    this.visits.push({ id, beganMs, endedMs: Date.now(), marks });
  }

  async #call(op: 'read' | 'release', id: string): Promise<SessionView | null> {
    const beganMs = Date.now();
    const path = `/v1/sessions/${id}`;
    const answer = await (op === 'read'
      ? this.#send('GET', path)
      : this.#send('POST', `${path}/release`, { headers: { prefer: 'respond-async' } }));
    const shown = answer?.session?.status ?? null;
    this.calls.push({ op, id, beganMs, endedMs: Date.now(), status: answer?.status ?? null, shown });
    return answer?.session ?? null;
  }

  /* Null: the connection was refused or cut, or no answer came in time. */
  async #send(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<{ status: number; session: SessionView | null; endedId: string | null } | null> {
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    try {
      const { status, body } = await callApi(this.installation.url, method, path, { ...options, signal });
      // A create whose session has ended names it; it was accepted all the same.
      const endedId = typeof body['sessionId'] === 'string' ? body['sessionId'] : null;
      // SAFETY: a 2xx answer of these routes is a session; the checker fails on anything else.
      return { status, session: status < 300 ? (body as unknown as SessionView) : null, endedId };
    } catch {
      return null; // a fault interrupted the call, so its outcome is unknown
    }
  }
}
