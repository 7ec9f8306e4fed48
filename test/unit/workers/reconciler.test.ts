import type { Fence, SessionSnapshot } from '../../../machines/session/session.types';
import { step } from '../../../machines/step';
import { createLogger } from '../../../src/core/logger';
import { refOf, type SessionRef } from '../../../src/core/ids';
import type { StepOutcome } from '../../../src/engine/stepper';
import type { SessionRecord } from '../../../src/store/session-record';
import type { BrowserRecord } from '../../../workers/keeper/door/protocol';
import { Reconciler, type ReconcilerParts } from '../../../workers/ownership/reconciler';
import type { OwnerEvent } from '../../../workers/worker-context';
import { SAMPLES } from '../../support/session-samples';

const WORKER_ID = 'w-1';

/** Rows and browsers of one worker; every call that it makes can be made to fail. */
class Machine {
  readonly rows = new Map<SessionRef, SessionRecord | Error>();
  readonly browsers = new Map<SessionRef, BrowserRecord>();
  readonly closed: SessionRef[] = [];
  readonly adopted: SessionRef[] = [];
  readonly said: string[] = [];
  readonly refusedClaims = new Set<SessionRef>();
  readonly uncommitted = new Set<SessionRef>();
  drained = 0;
  readonly reconciler: Reconciler;

  constructor() {
    const log = createLogger('worker', 'warn', {
      // SAFETY: pino writes one JSON object a line.
      write: line => void this.said.push((JSON.parse(line) as { msg: string }).msg),
    });
    // SAFETY: the parts of the real ones that reconciling uses.
    this.reconciler = new Reconciler({
      context: {
        workerId: WORKER_ID,
        log,
        signal: new AbortController().signal,
        stepper: { apply: (word: OwnerEvent) => this.#apply(word) },
      },
      keeper: { call: (op: string, args: { ref: SessionRef; to: Fence }) => this.#keeper(op, args) },
      owned: {
        holds: () => false,
        add: ({ ref }: SessionRecord) => this.adopted.push(ref),
        remove: () => undefined,
      },
      closer: {
        close: (ref: SessionRef) => Promise.resolve(void this.closed.push(ref)),
        drain: () => Promise.resolve(void (this.drained += 1)),
      },
      sessions: { load: (ref: SessionRef) => this.#load(ref) },
      leases: { owned: () => Promise.resolve([...this.rows.keys()]) },
      clock: { monotonicMs: () => 0, nowMs: () => 0 },
      isLaunching: () => false,
    } as unknown as ReconcilerParts);
  }

  /** A live session of this worker whose browser runs under an older claim, as after the death of a worker. */
  live(id: string): SessionRef {
    const ref = refOf('default', id);
    const snapshot = snapshotOf(id);
    this.rows.set(ref, { ref, revision: 3, snapshot } as SessionRecord);
    const { endpoint, owner } = snapshot.context;
    const fence = { n: (owner?.fence.n ?? 1) - 1, claimId: `older-${id}` };
    this.browsers.set(ref, { ref, fence, state: 'running', endpoint, gone: null });
    return ref;
  }

  /** A browser whose session has ended. */
  ended(id: string): SessionRef {
    const ref = this.live(id);
    const { context } = snapshotOf(id);
    this.rows.set(ref, { ref, revision: 4, snapshot: { value: 'released', context } } as SessionRecord);
    return ref;
  }

  async #load(ref: SessionRef): Promise<{ record: SessionRecord | null; nowMs: number }> {
    const row = this.rows.get(ref) ?? null;
    if (row instanceof Error) throw row;
    return Promise.resolve({ record: row, nowMs: 0 });
  }

  async #keeper(op: string, { ref, to }: { ref: SessionRef; to: Fence }): Promise<unknown> {
    const browser = this.browsers.get(ref);
    if (op === 'claim' && this.refusedClaims.has(ref)) throw new Error('ENOSPC');
    if (op === 'claim' && browser !== undefined) this.browsers.set(ref, { ...browser, fence: to });
    return Promise.resolve(op === 'list' ? { browsers: [...this.browsers.values()] } : {});
  }

  async #apply({ ref, event }: Pick<OwnerEvent, 'ref' | 'event'>): Promise<StepOutcome> {
    if (this.uncommitted.has(ref)) throw new Error('of a newer version');
    const { record } = await this.#load(ref);
    const offered = record === null ? null : event(record, 0);
    if (record === null || offered === null) throw new Error('there is nothing to commit');
    const after = { ...record, snapshot: step(record.snapshot, offered).snapshot };
    this.rows.set(ref, after);
    return { kind: 'committed', record: after, nowMs: 0 };
  }
}

function snapshotOf(id: string): SessionSnapshot {
  const { value, context } = SAMPLES.live;
  const owner = { workerId: WORKER_ID, fence: { n: 2, claimId: `claim-${id}` } };
  return { value, context: { ...context, id, owner } };
}

let machine: Machine;

beforeEach(() => {
  machine = new Machine();
});

it('adopts and ends the others when one row cannot be read', async () => {
  const broken = machine.live('broken');
  machine.rows.set(broken, new Error('of a newer version'));
  const live = machine.live('live');
  const ended = machine.ended('ended');
  await machine.reconciler.run();
  expect(machine.adopted).toEqual([live]);
  expect(machine.closed).toEqual([ended]);
  expect(machine.drained).toBe(1);
});

it('adopts and ends the others when the keeper refuses one adoption', async () => {
  machine.refusedClaims.add(machine.live('refused'));
  const live = machine.live('live');
  const ended = machine.ended('ended');
  await machine.reconciler.run();
  expect(machine.adopted).toEqual([live]);
  expect(machine.closed).toContain(ended);
  expect(machine.drained).toBe(1);
});

it('tries a step that cannot be committed in the next pass, and not for ever', async () => {
  machine.uncommitted.add(machine.live('stuck'));
  const ended = machine.ended('ended');
  await machine.reconciler.run();
  expect(machine.closed).toContain(ended);
});

it('logs once what fails in every pass, and once that it works again', async () => {
  const broken = machine.live('broken');
  const row = machine.rows.get(broken);
  machine.rows.set(broken, new Error('of a newer version'));
  for (let pass = 1; pass <= 3; pass += 1) await machine.reconciler.run();
  expect(machine.said).toEqual(['a session could not be reconciled; it will be tried again']);
  if (row !== undefined) machine.rows.set(broken, row);
  await machine.reconciler.run();
  expect(machine.adopted).toEqual([broken]);
});
