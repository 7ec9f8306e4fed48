import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pause } from '../../src/core/abort';
import { pollUntil } from '../support/poll-until';

const SUPPORT = join(__dirname, '../support');
const HOOK = ['-r', join(SUPPORT, 'typescript-hook.cjs')];
const STUB = join(SUPPORT, 'stub-program.ts');
const START_MS = 20_000;

/** A process of stub-program.ts, and what it has said. */
interface Stub {
  readonly child: ChildProcess;
  readonly messages: unknown[];
  /** Its own words, in order. */
  words(): string[];
  /** The messages of its log lines. */
  logged(): string[];
  /** Resolves when it has said a word. */
  until(word: string): Promise<void>;
  ended(): Promise<number | NodeJS.Signals | null>;
}

const stubs: Stub[] = [];
afterEach(async () => {
  for (const { child, ended } of stubs.splice(0)) {
    child.kill('SIGKILL');
    await ended();
  }
});

function observe(child: ChildProcess): Stub {
  const { stdout } = child;
  if (stdout === null) throw new Error('the stub has no output');
  let output = '';
  stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const messages: unknown[] = [];
  child.on('message', message => messages.push(message));
  // Not `close`, which is not emitted after a disconnect from this side.
  const exit = Promise.all([once(child, 'exit'), once(stdout, 'end')]);
  const lines = (start: string): string[] => output.split('\n').filter(line => line.startsWith(start));
  const words = (): string[] => lines('+ ').map(line => line.slice(2));
  const stub: Stub = {
    child,
    messages,
    words,
    logged: () => lines('{').map(line => (JSON.parse(line) as { msg: string }).msg),
    until: async word => {
      await pollUntil(`"${word}"`, { timeoutMs: START_MS, everyMs: 10 }, () => {
        if (child.exitCode !== null) throw new Error(`the stub has ended: ${output}`);
        return words().includes(word) ? true : undefined;
      });
    },
    ended: async () => {
      const [[code, signal]] = await exit;
      return (code ?? signal) as number | NodeJS.Signals | null;
    },
  };
  stubs.push(stub);
  return stub;
}

const environment = { ...process.env, HOLDFAST_LOG_LEVEL: 'info' };

/** As a supervisor starts it. */
const supervised = (...traits: string[]): Stub =>
  observe(
    fork(STUB, traits, { execArgv: HOOK, env: environment, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] }),
  );

/** As a person starts it. */
const alone = (traits: string[], env: Record<string, string> = {}): Stub =>
  observe(
    spawn(process.execPath, [...HOOK, STUB, ...traits], {
      env: { ...environment, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );

async function untilTold(stub: Stub, count: number): Promise<void> {
  await pollUntil(`${count} messages`, { timeoutMs: START_MS, everyMs: 10 }, () =>
    stub.messages.length >= count ? true : undefined,
  );
}

async function untilLogged(stub: Stub, message: string): Promise<void> {
  await pollUntil(`"${message}"`, { timeoutMs: START_MS, everyMs: 10 }, () =>
    stub.logged().includes(message) ? true : undefined,
  );
}

const READY = { ready: true, title: 'holdfast: keeper' };
const ALONE_NOW = 'the supervisor is gone; waiting for a successor';

describe('a process under a supervisor', () => {
  it('sends a beat, says when it is ready, has a title, and ends with 0 on SIGTERM once it has closed', async () => {
    const stub = supervised();
    await stub.until('supervised');
    await untilTold(stub, 2);
    expect(stub.messages.slice(0, 2)).toEqual([{ beat: true }, READY]);
    stub.child.kill('SIGTERM');
    expect(await stub.ended()).toBe(0);
    expect(stub.words()).toEqual(['supervised', 'closing: SIGTERM', 'closed']);
  });

  it.each(['SIGINT', 'SIGHUP'] as const)('leaves %s to the supervisor', async signal => {
    const stub = supervised();
    await stub.until('supervised');
    stub.child.kill(signal);
    stub.child.kill('SIGTERM');
    expect(await stub.ended()).toBe(0);
    expect(stub.words()).toContain('closing: SIGTERM');
  });

  it('ends with 1 at once, and closes nothing, when the supervisor is gone', async () => {
    const stub = supervised();
    await stub.until('supervised');
    stub.child.disconnect();
    expect(await stub.ended()).toBe(1);
    expect(stub.words()).toEqual(['supervised']);
  });

  it('waits for the next supervisor if it outlives them, and sends no beat', async () => {
    const stub = supervised('outlives');
    await untilTold(stub, 1);
    stub.child.disconnect();
    await untilLogged(stub, ALONE_NOW);
    stub.child.kill('SIGTERM');
    expect(await stub.ended()).toBe(0);
    expect(stub.messages).toEqual([READY]);
  });

  it('goes on when the supervisor dies before it can be told that it is ready', async () => {
    const stub = supervised('outlives', 'is-busy');
    await stub.until('busy');
    stub.child.disconnect();
    await untilLogged(stub, ALONE_NOW);
    expect(stub.words()).toEqual(['busy', 'supervised']);
    stub.child.kill('SIGTERM');
    expect(await stub.ended()).toBe(0);
  });
});

describe('a process without a supervisor', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('closes and ends with 0 on %s', async signal => {
    const stub = alone([]);
    await stub.until('alone');
    stub.child.kill(signal);
    expect(await stub.ended()).toBe(0);
    expect(stub.words()).toEqual(['alone', `closing: ${signal}`, 'closed']);
  });

  it('is the supervisor itself where it has a parent with IPC: it sends nothing and obeys Ctrl-C', async () => {
    const stub = supervised('supervisor');
    await stub.until('alone');
    stub.child.kill('SIGINT');
    expect(await stub.ended()).toBe(0);
    expect(stub.messages).toEqual([]);
  });
});

describe('a stop', () => {
  it('can come from the program itself', async () => {
    const stub = alone(['stops-itself']);
    expect(await stub.ended()).toBe(0);
    expect(stub.words()).toEqual(['alone', 'closing: it has had enough', 'closed']);
  });

  it('during the start closes as well', async () => {
    const stub = alone(['never-starts']);
    await stub.until('starting');
    stub.child.kill('SIGTERM');
    expect(await stub.ended()).toBe(0);
    expect(stub.words()).toEqual(['starting', 'closing: SIGTERM', 'closed']);
  });

  it('ends with 0 at its limit although something does not close', async () => {
    const stub = alone(['hangs', 'limited']);
    await stub.until('alone');
    stub.child.kill('SIGTERM');
    expect(await stub.ended()).toBe(0);
    expect(stub.words()).toEqual(['alone', 'closing: SIGTERM']);
    expect(stub.logged()).toContain('not everything was closed in time');
  });

  it('ends with 1 when something fails to close', async () => {
    const stub = alone(['closes-badly']);
    await stub.until('alone');
    stub.child.kill('SIGTERM');
    expect(await stub.ended()).toBe(1);
    expect(stub.logged()).toContain('closing failed');
  });

  it('is hurried by a second signal and then ends with 1, but not by one right after the first', async () => {
    const stub = alone(['hangs', 'hurries']);
    await stub.until('alone');
    stub.child.kill('SIGINT');
    await stub.until('closing: SIGINT');
    stub.child.kill('SIGINT');
    // This tests the time itself: two signals within half a second count as one.
    await pause(600);
    expect(stub.words()).toEqual(['alone', 'closing: SIGINT']);
    stub.child.kill('SIGINT');
    expect(await stub.ended()).toBe(1);
    expect(stub.words()).toEqual(['alone', 'closing: SIGINT', 'closed']);
  });
});

describe('the exit code', () => {
  it.each([
    ['2 for a setting that makes no sense', [], { HOLDFAST_PORT: 'x' }, 2],
    ['2 for a setting that the program misses', ['misconfigured'], {}, 2],
    ['1 for any other failure of the start', ['fails'], {}, 1],
    ['what the program says', ['fails', 'own-code'], {}, 3],
  ])('is %s', async (_what, traits, env, code) => {
    const stub = alone(traits, env);
    expect(await stub.ended()).toBe(code);
    expect(stub.logged()).toEqual(['could not start']);
  });

  it('comes with words for a person where one waits for the start', async () => {
    const stub = alone(['fails', 'tells']);
    expect(await stub.ended()).toBe(1);
    expect(stub.words()).toEqual(['told: Error: nothing to start']);
    expect(stub.logged()).toEqual([]);
  });

  it.each(['throws-later', 'rejects-later'])('is 1, with a line in the log, for what %s', async trait => {
    const stub = alone([trait]);
    expect(await stub.ended()).toBe(1);
    expect(stub.logged()).toEqual(['uncaught error; the process ends']);
    expect(stub.words()).not.toContain('closed');
  });
});
