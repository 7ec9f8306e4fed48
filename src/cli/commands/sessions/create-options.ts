import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import type { ContextConflict, ContextOptions } from '../../../client/session-context';
import {
  BROWSERS,
  type BrowserCreateOptions,
  type BrowserName,
  type EgressOptions,
  type NewCookie,
  type ProxyOptions,
} from '../../../client/browser-options';
import type { CreateOptions } from '../../../client/session';
import type { TerminalEnv } from '../../../config/env';
import { messageOf } from '../../../core/errors';
import { UsageError } from '../../exit-codes';
import {
  duration,
  durationOrOff,
  label,
  orNull,
  positiveNumber,
  wholeNumber,
  type DurationOrOff,
} from '../../options';

const PIXELS_MAX = 16_384;
const CONFLICTS: readonly ContextConflict[] = ['keep', 'replace', 'refuse'];

/** The options of a session as command line flags. Durations are milliseconds. */
export interface CreateFlags {
  readonly timeout?: number;
  readonly idleTimeout?: DurationOrOff;
  readonly queueTimeout?: number;
  readonly connectTimeout?: DurationOrOff;
  readonly sleepAfter?: DurationOrOff;
  readonly label?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly id?: string;
  readonly context?: string;
  readonly persist?: true;
  readonly onConflict?: ContextConflict;
  readonly saveEvery?: number;
  readonly browser?: BrowserName;
  readonly width?: number;
  readonly height?: number;
  readonly deviceScaleFactor?: number;
  readonly userAgent?: string;
  readonly locale?: string;
  readonly timezone?: string;
  readonly proxyServer?: string;
  readonly proxyUsername?: string;
  readonly proxyPasswordFile?: string;
  readonly egressAllow?: readonly string[];
  readonly egressDeny?: readonly string[];
  readonly cookiesFile?: string;
  readonly headful?: true;
}

/** Gives a command the options of {@link CreateFlags}. */
export function addCreateOptions(command: Command): Command {
  command
    .optionsGroup('Session:')
    .option('--timeout <duration>', 'how long it may be live (5m)', duration)
    .option(
      '--idle-timeout <duration>',
      'ends it after this time without activity, or off (off)',
      durationOrOff,
    )
    .option('--queue-timeout <duration>', 'how long it may wait for a slot (60s)', duration)
    .option(
      '--connect-timeout <duration>',
      'ends it if no client connects within this time, or off (off)',
      durationOrOff,
    )
    .option(
      '--sleep-after <duration>',
      'lets its browser sleep after this time with nothing to do, or off (off)',
      durationOrOff,
    )
    .option('--label <name=value>', 'a label to select it by; may be repeated', label)
    .option('--name <text>', 'a display name')
    .option('--id <id>', 'an id of your choice')
    .optionsGroup('Context:')
    .option(
      '--context <context>',
      'the context whose logins it starts with, by name or id; a new name makes one',
    )
    .option('--persist', 'save its logins into the context when it ends')
    .addOption(
      new Option(
        '--on-conflict <what>',
        'what becomes of its save if another session has saved since (keep)',
      ).choices(CONFLICTS),
    )
    .option('--save-every <duration>', 'save also while it is live, this often; needs --persist', duration);
  return addBrowserOptions(command);
}

function addBrowserOptions(command: Command): Command {
  return command
    .optionsGroup('Browser:')
    .addOption(
      new Option(
        '--browser <name>',
        'the whole Chromium, or the smaller one without a user interface (what the service starts by default)',
      ).choices(BROWSERS),
    )
    .option('--width <pixels>', 'the width of its pages; needs --height', wholeNumber(1, PIXELS_MAX))
    .option('--height <pixels>', 'the height of its pages; needs --width', wholeNumber(1, PIXELS_MAX))
    .option('--device-scale-factor <n>', 'device pixels per CSS pixel, such as 2', positiveNumber)
    .option('--user-agent <text>', 'the user agent of the browser')
    .option('--locale <tag>', 'the language of the browser, such as de-DE')
    .option('--timezone <zone>', 'the time zone of the browser, such as Europe/Berlin')
    .option('--proxy-server <url>', 'http://, https:// or socks5://host:port')
    .option('--proxy-username <name>', 'the user name for the proxy')
    .option(
      '--proxy-password-file <path>',
      'a file with the password for the proxy (default: HOLDFAST_PROXY_PASSWORD)',
    )
    .option('--egress-allow <host>', 'let it reach only this host, address or range; may be repeated', listed)
    .option('--egress-deny <host>', 'do not let it reach this one; may be repeated', listed)
    .option('--cookies-file <path>', 'a file with a JSON array of cookies to set before the first page opens')
    .option('--headful', 'run the browser with windows, on a virtual display');
}

/**
 * The body of the request. Values are checked by the service, which knows its limits.
 *
 * @throws UsageError if options do not go together or a file cannot be used.
 */
export async function createOptionsOf(flags: CreateFlags, env: TerminalEnv): Promise<CreateOptions> {
  const { timeout, idleTimeout, queueTimeout, connectTimeout, sleepAfter } = flags;
  const { label: labels, name, id: sessionId } = flags;
  const { userAgent, locale, timezone, headful, cookiesFile } = flags;
  return withoutUndefined({
    timeout,
    idleTimeout: idleTimeout === undefined ? undefined : orNull(idleTimeout),
    queueTimeout,
    connectTimeout: connectTimeout === undefined ? undefined : orNull(connectTimeout),
    sleepAfter: sleepAfter === undefined ? undefined : orNull(sleepAfter),
    labels,
    name,
    sessionId,
    context: contextOf(flags),
    dimensions: dimensionsOf(flags),
    deviceScaleFactor: flags.deviceScaleFactor,
    userAgent,
    locale,
    timezone,
    proxy: await proxyOf(flags, env),
    egress: egressOf(flags),
    browser: flags.browser,
    cookies: cookiesFile === undefined ? undefined : await cookiesIn(cookiesFile),
    headless: headful === true ? false : undefined,
  });
}

function dimensionsOf({ width, height }: CreateFlags): { width: number; height: number } | undefined {
  if (width === undefined && height === undefined) return undefined;
  if (width !== undefined && height !== undefined) return { width, height };
  throw new UsageError('--width and --height must be given together');
}

function contextOf(flags: CreateFlags): ContextOptions | undefined {
  const { context: word, persist, onConflict, saveEvery } = flags;
  if (word === undefined) {
    if (persist === undefined && onConflict === undefined && saveEvery === undefined) return undefined;
    throw new UsageError('--persist, --on-conflict and --save-every need --context');
  }
  // An empty name comes from a variable that is not set.
  if (word.trim() === '') throw new UsageError('--context is empty: is a variable of the shell not set?');
  return {
    // The service refuses an id that is not whole, where a name would make a context.
    ...(word.startsWith('ctx_') ? { id: word } : { name: word }),
    ...(persist === undefined ? {} : { persist }),
    ...(onConflict === undefined ? {} : { onConflict }),
    ...(saveEvery === undefined ? {} : { saveEvery }),
  };
}

const listed = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

function egressOf({ egressAllow: allow, egressDeny: deny }: CreateFlags): EgressOptions | undefined {
  if (allow === undefined && deny === undefined) return undefined;
  return { ...(allow === undefined ? {} : { allow }), ...(deny === undefined ? {} : { deny }) };
}

async function proxyOf(
  flags: CreateFlags,
  { proxyPassword }: TerminalEnv,
): Promise<ProxyOptions | undefined> {
  const { proxyServer: server, proxyUsername: username, proxyPasswordFile: file } = flags;
  if (server === undefined) {
    if (username === undefined && file === undefined) return undefined;
    throw new UsageError('--proxy-username and --proxy-password-file need --proxy-server');
  }
  if (username === undefined) return { server };
  const password = file === undefined ? proxyPassword : (await textOf(file)).replace(/\r?\n$/, '');
  if (password !== undefined) return { server, username, password };
  throw new UsageError('--proxy-username needs a password: --proxy-password-file or HOLDFAST_PROXY_PASSWORD');
}

async function cookiesIn(file: string): Promise<NewCookie[]> {
  const text = await textOf(file);
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) {
      // SAFETY: the service checks each of them, and reports what is wrong with it.
      return parsed as NewCookie[];
    }
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${messageOf(error)}`);
  }
  throw new UsageError(`${file} is not an array of cookies`);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

/** Every option of the browser has a flag, or this does not compile. */
type Fields = {
  readonly [K in keyof CreateOptions]: CreateOptions[K] | undefined;
} & { readonly [K in keyof BrowserCreateOptions]-?: BrowserCreateOptions[K] | undefined };

/* The types distinguish an undefined field from a missing one; JSON does not. */
function withoutUndefined(fields: Fields): CreateOptions {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
