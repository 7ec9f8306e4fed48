import type { Command } from 'commander';
import type { Browser } from '../../client/browser';
import { isHoldfastError } from '../../client/errors';
import type { LiveSession } from '../../client/session';
import { pause } from '../../core/abort';
import { connect, type Context } from '../context';
import { chromeFlags } from '../chrome-flags';
import { connection, example, type ConnectionOptions } from '../options';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** The session is asked for again after this, while the service cannot be reached. */
const ASK_AGAIN_MS = 2_000;

const RELEASE_TIMEOUT_MS = 10_000;

/** `holdfast testmu-launcher`. */
export function registerTestmuLauncher(program: Command, context: Context): void {
  const command = program
    .command('testmu-launcher')
    .argument('[flags...]', 'flags of Chrome, after --')
    .summary('Stands in for Chrome, for the SDK of TestMu AI.')
    .description(
      "Stands in for Chrome where a program starts it by itself, such as TestMu AI's SDK and command line with " +
        '`local: true`: creates a session, prints `DevTools listening on ws://…` to stderr, and runs as long as the ' +
        'session does. SIGTERM and SIGINT release the session. Of the flags of Chrome, --headless, --window-size, ' +
        '--user-agent and --proxy-server are obeyed. A variable such as CHROME_PATH names a program without ' +
        'arguments: set it to `holdfast-testmu-launcher`, which is this command with every argument as a flag.',
    );
  example(
    connection(command),
    'CHROME_PATH=$(which holdfast-testmu-launcher) node my-script.js',
    'holdfast testmu-launcher -- --headless=new --window-size=1280,720',
  ).action(async (flags: readonly string[], options: ConnectionOptions) => {
    const body = chromeFlags(flags);
    const client = connect(context, options);
    await untilOver(signal => launch(client, body, context, signal));
  });
}

/* Runs work that a signal ends in order: it is what ends Chrome, too. */
async function untilOver(work: (stopped: AbortSignal) => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  for (const name of SIGNALS) process.on(name, stop);
  try {
    await work(stopping.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
  }
}

async function launch(
  client: Browser,
  body: ReturnType<typeof chromeFlags>,
  { stderr }: Context,
  stopped: AbortSignal,
): Promise<void> {
  let session: LiveSession;
  try {
    // A create that is aborted is taken back by the client.
    session = await client.sessions.create({ ...body, labels: { launcher: 'testmu' } }, { signal: stopped });
  } catch (error) {
    if (stopped.aborted) return;
    throw error;
  }
  // The exact words of Chrome, which programs that start it look for.
  stderr.line(`\nDevTools listening on ${session.websocketUrl}`);
  await untilEnded(client, session.id, stopped);
  if (stopped.aborted) await release(client, session.id);
}

/* An API that restarts is no end of the session. */
async function untilEnded(client: Browser, id: string, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    try {
      await client.sessions.waitFor(id, 'ended', { signal: stopped });
      return;
    } catch (error) {
      if (stopped.aborted || isHoldfastError(error, 'session_not_found')) return;
      if (!isHoldfastError(error) || !error.retryable) throw error;
      await pause(ASK_AGAIN_MS, stopped);
    }
  }
}

/* The browser may be gone already: programs close it, then end what they take for it. */
async function release(client: Browser, id: string): Promise<void> {
  try {
    await client.sessions.release(id, { timeoutMs: RELEASE_TIMEOUT_MS });
  } catch (error) {
    if (!isHoldfastError(error, 'session_not_found')) throw error;
  }
}
