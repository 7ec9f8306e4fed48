import { systemClock } from '../../../src/core/clock';
import { createLogger } from '../../../src/core/logger';
import { refOf, type SessionRef } from '../../../src/core/ids';
import type { Traffic } from '../../../src/core/traffic';
import type { ClosedOutcome, UsedTraffic } from '../../../src/store/closing-store';
import { SessionCloser, type SessionCloserParts } from '../../../workers/ownership/session-closer';

const REF = refOf('default', 'a');

/** A keeper with the claims that it knows, and the claim whose browser is still to be closed according to Redis. */
class Machine {
  readonly claims = new Map<string, SessionRef>();
  readonly order: string[] = [];
  readonly said: string[] = [];
  owed: string | null = null;
  used: UsedTraffic | null = null;
  traffic: Traffic | undefined;
  row: object | null = { snapshot: { context: { endReason: 'browser_crashed', endedAtMs: 7 } } };
  failing: string | null = null;
  readonly closer: SessionCloser;

  constructor() {
    const log = createLogger('worker', 'info', {
      // SAFETY: pino writes one JSON object a line.
      write: line => void this.said.push((JSON.parse(line) as { msg: string }).msg),
    });
    // SAFETY: the parts of the real ones that closing uses.
    this.closer = new SessionCloser({
      keeper: { call: (op: string, args: { claimId: string }) => this.#keeper(op, args.claimId) },
      closing: {
        all: () => Promise.resolve([{ ref: REF, claimId: this.owed, workerId: 'w-1', sinceMs: 0 }]),
        isOwed: (_ref: SessionRef, claimId: string) => Promise.resolve(this.owed === claimId),
        acknowledge: (_ref: SessionRef, claimId: string, { used }: ClosedOutcome) => {
          this.order.push(`acknowledge ${claimId}`);
          this.used = used ?? null;
          return Promise.resolve(this.owed === claimId ? 1 : null);
        },
      },
      sessions: { read: () => Promise.resolve({ record: this.row }) },
      beforeClose: () => undefined,
      saver: {
        beforeEnd: () => Promise.resolve(),
        save: (_ref: SessionRef, _claimId: string, profile: string | null) => {
          this.order.push(`save ${profile ?? 'nothing'}`);
          return Promise.resolve(null);
        },
      },
      exporter: { browserGone: () => undefined },
      clock: systemClock,
      log,
    } as unknown as SessionCloserParts);
  }

  async #keeper(op: string, claimId: string): Promise<unknown> {
    if (op === this.failing) throw new Error('the disk is full');
    if (op === 'close') {
      this.order.push(`close ${claimId}`);
      const known = this.claims.delete(claimId);
      const { traffic } = this;
      return Promise.resolve({ known, profile: known ? `the profile of ${claimId}` : null, traffic });
    }
    if (op === 'forget') this.order.push(`forget ${claimId}`);
    const browsers = [...this.claims].map(([id, ref]) => ({ ref, fence: { n: 1, claimId: id } }));
    return Promise.resolve(op === 'list' ? { browsers } : {});
  }
}

let machine: Machine;

beforeEach(() => {
  machine = new Machine();
});

it('acknowledges the end of a browser when it is gone', async () => {
  machine.owed = 'new';
  machine.claims.set('new', REF);
  await machine.closer.close(REF, 'new');
  expect(machine.order).toEqual(['close new', 'acknowledge new', 'forget new']);
});

it('ends the browser of an ended session under a claim that the keeper never recorded, then acknowledges', async () => {
  machine.owed = 'new';
  machine.claims.set('old', REF);
  machine.claims.set('other', refOf('default', 'b'));
  await machine.closer.close(REF, 'new');
  expect(machine.order).toEqual([
    ...['close new', 'close old', 'acknowledge new'],
    ...['forget new', 'forget old'],
  ]);
  expect([...machine.claims.keys()]).toEqual(['other']);
});

it('saves the profile that the browser had under the other claim, before it is forgotten', async () => {
  machine.owed = 'new';
  machine.claims.set('old', REF);
  await machine.closer.close(REF, 'new', true);
  expect(machine.order).toEqual([
    ...['close new', 'close old', 'save the profile of old', 'acknowledge new'],
    ...['forget new', 'forget old'],
  ]);
});

describe('what has gone through a forward proxy', () => {
  const traffic = { sentBytes: 1, receivedBytes: 2, refused: 1, refusedHosts: ['a.test'] };

  beforeEach(() => {
    machine.owed = 'new';
    machine.traffic = traffic;
  });

  it.each(['new', 'old'])('is acknowledged with the end, for a browser under the claim %s', async claim => {
    machine.claims.set(claim, REF);
    await machine.closer.close(REF, 'new');
    expect(machine.used).toEqual({ traffic, endReason: 'browser_crashed', endedAtMs: 7 });
  });

  it('is left out by a keeper that does not know it, and when the session is forgotten', async () => {
    machine.row = null;
    machine.claims.set('new', REF);
    await machine.closer.close(REF, 'new');
    machine.traffic = undefined;
    machine.claims.set('new', REF);
    await machine.closer.close(REF, 'new');
    expect(machine.order.filter(step => step === 'acknowledge new')).toHaveLength(2);
    expect(machine.used).toBeNull();
  });
});

it('does not close the browser of a newer claim while the session goes on', async () => {
  machine.owed = null;
  machine.claims.set('newer', REF);
  await machine.closer.close(REF, 'superseded');
  expect([...machine.claims.keys()]).toEqual(['newer']);
});

it('does not acknowledge a browser that it could not check, and logs so once', async () => {
  machine.owed = 'new';
  machine.failing = 'list';
  for (let tries = 1; tries <= 3; tries += 1) {
    await machine.closer.drain('w-1');
    await machine.closer.settle();
  }
  expect(machine.order).toEqual(['close new', 'close new', 'close new']);
  expect(machine.said).toEqual(['a browser could not be ended; it will be tried again']);
  machine.failing = null;
  await machine.closer.drain('w-1');
  await machine.closer.settle();
  expect(machine.order.at(-2)).toBe('acknowledge new');
});
