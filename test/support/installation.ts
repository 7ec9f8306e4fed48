import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionContextData } from '../../src/client/session-context';
import { isAlive, sendSignal, systemProcesses, type ProcessIdentity } from '../../src/core/process-identity';
import { isWrapper, listProcesses } from './proc';
import { findHeadlessShell } from './headless-shell';
import { makeTempDir, type TempDir } from './temp-dir';
import { pollUntil } from './poll-until';

/** The part of a session's public view that tests use. */
export interface SessionView {
  readonly id: string;
  readonly status: 'created' | 'live' | 'released' | 'failed' | 'timed_out';
  readonly endReason: string | null;
  readonly createdAt: string;
  readonly liveAt: string | null;
  readonly endedAt: string | null;
  readonly expiresAt: string | null;
  readonly websocketUrl: string | null;
  readonly context: SessionContextData | null;
  readonly workerId: string | null;
  readonly revision: number;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** One entry of a session's history. */
export interface EventView {
  readonly seq: number;
  readonly at: string;
  readonly event: string;
  readonly from: SessionView['status'] | null;
  readonly to: SessionView['status'];
  readonly cause: string;
  readonly actor: string;
}

/** An answer of the API. */
export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** How an installation is started. */
export interface InstallationOptions {
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Default: `null`, a browser that costs nothing. `shell` is the headless shell of Chromium, whose start costs a
   * third, or Chromium where there is none: for tests of what happens to browsers, not of what is in them.
   */
  readonly browser?: 'null' | 'shell' | 'chromium';
  readonly mode?: 'start' | 'worker' | 'api';
  /** Put before the command line, such as `ip netns exec`; must end in an exec, so that the pid is the supervisor's. */
  readonly prefix?: readonly string[];
  /** Runs everything as this user, who owns the data folder; the temporary folder is in it. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** The program that is run. Default: the one of this repository. */
  readonly bin?: string;
  /** Makes the supervisor the leader of a process group of its own, as a shell does; see {@link Installation.ctrlC}. */
  readonly ownGroup?: boolean;
}

/** A role of a process of the installation. */
export type Role = 'supervisor' | 'redis' | 'api' | 'keeper' | 'worker';

/* Tests and benchmarks are run from the root of the repository. */
const BIN = join(process.cwd(), 'bin/holdfast');
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 12_000;

/**
 * The whole product as a user runs it: `holdfast start` from the built files, in a data folder of its own, on a free
 * port. Its processes can be killed one by one.
 */
export class Installation {
  #supervisor: ChildProcess;
  #output = '';
  url = '';

  private constructor(
    readonly dir: TempDir,
    private readonly options: InstallationOptions,
  ) {
    this.#supervisor = this.#spawn();
  }

  /** Starts an installation and waits until it says that it is ready. */
  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const dir = await makeTempDir();
    await giveTo(options.user, dir.path);
    const installation = new Installation(dir, options);
    await installation.ready();
    return installation;
  }

  /** The output of all processes so far. */
  get output(): string {
    return this.#output;
  }

  /** Waits for the ready line of the supervisor that runs now. */
  async ready(): Promise<void> {
    const [, url = ''] = await pollUntil(
      'the ready line',
      { timeoutMs: START_TIMEOUT_MS, everyMs: 10 },
      () => {
        if (this.#supervisor.exitCode !== null) throw new Error(`holdfast exited:\n${this.#output}`);
        return /^Holdfast (?:is ready at (\S+)|worker is ready)$/m.exec(this.#output) ?? undefined;
      },
    ).catch((error: unknown) => {
      throw new Error(`not ready:\n${this.#output}`, { cause: error });
    });
    this.url = url;
  }

  /** Starts a new supervisor on the same folder, after the one before has died. */
  async restart(): Promise<void> {
    this.#output = '';
    this.#supervisor = this.#spawn();
    await this.ready();
  }

  /** The process that has a role now. */
  async find(role: Role): Promise<ProcessIdentity> {
    if (role === 'supervisor') {
      const identity = await systemProcesses.identify(this.#supervisor.pid ?? 0);
      if (identity === null) throw new Error('the supervisor is gone');
      return identity;
    }
    // SAFETY: the supervisor writes this file; a wrong shape fails the test that reads it.
    const file = JSON.parse(await readFile(join(this.dir.path, 'children.json'), 'utf8')) as {
      children: Record<string, ProcessIdentity>;
    };
    const identity = file.children[role];
    if (identity === undefined) throw new Error(`no ${role} runs`);
    return identity;
  }

  /**
   * Sends a signal to the process with a role; answers that process. After SIGKILL it waits until the process is dead.
   */
  async signal(role: Role, signal: NodeJS.Signals): Promise<ProcessIdentity> {
    const identity = await this.find(role);
    sendSignal(identity.pid, signal);
    if (signal === 'SIGKILL') {
      await pollUntil(`${role} to die`, { timeoutMs: 2_000, everyMs: 2 }, async () =>
        (await isAlive(systemProcesses, identity)) ? undefined : true,
      );
    }
    return identity;
  }

  /** Waits until a process other than `old` has its role. */
  async replaced(role: Role, old: ProcessIdentity, timeoutMs = 10_000): Promise<ProcessIdentity> {
    return pollUntil(`a new ${role}`, { timeoutMs, everyMs: 10 }, async () => {
      const now = await this.find(role).catch(() => old);
      return now.pid === old.pid ? undefined : now;
    });
  }

  /** Calls the API. */
  async call<T = SessionView>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // SAFETY: the test knows the shape of the answer; a wrong shape fails its expectations.
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? null : JSON.parse(text)) as T,
    };
  }

  /** Creates a session and waits until it is live. */
  async create(body: Record<string, unknown> = {}): Promise<SessionView> {
    const answer = await this.call('POST', '/v1/sessions', body);
    if (answer.status !== 201 || answer.body.status !== 'live') {
      throw new Error(
        `create answered ${answer.status}: ${JSON.stringify(answer.body)}\n${this.#output.slice(-4_000)}`,
      );
    }
    return answer.body;
  }

  /** Reads a session. */
  async read(id: string): Promise<SessionView> {
    return (await this.call('GET', `/v1/sessions/${id}`)).body;
  }

  /** Reads a session's history. */
  async history(id: string): Promise<readonly EventView[]> {
    return (await this.call<{ events: EventView[] }>('GET', `/v1/sessions/${id}/events`)).body.events;
  }

  /** Waits until a session satisfies a condition, through every outage of the API. */
  async until(
    id: string,
    condition: (session: SessionView) => boolean,
    timeoutMs = 10_000,
  ): Promise<SessionView> {
    let last: unknown = null;
    return pollUntil(`session ${id}`, { timeoutMs, everyMs: 25 }, async () => {
      try {
        const answer = await this.call('GET', `/v1/sessions/${id}`);
        last = answer.body;
        return answer.status === 200 && condition(answer.body) ? answer.body : undefined;
      } catch (error) {
        last = error; // the API is down for the moment
        return undefined;
      }
    }).catch((error: unknown) => {
      throw new Error(`last seen: ${JSON.stringify(last)}\n${this.#output.slice(-4_000)}`, { cause: error });
    });
  }

  /** Processes whose command line names this installation's folder or run directories. */
  async browserProcesses(): Promise<number[]> {
    const entries = await listProcesses();
    return entries
      .filter(({ commandLine }) => commandLine.includes(this.dir.path + '/run'))
      .map(({ pid }) => pid);
  }

  /** Pids of the browsers themselves, one each: Chromium's first process, or the one of a null browser. */
  async browsers(): Promise<number[]> {
    let found: number[] = [];
    const look = async (): Promise<true | undefined> => {
      const { shims, browsers } = await this.#runDirectories();
      found = [...browsers.values()];
      // A process has no command line in the moment in which it becomes another program; its shim is there all the
      // time.
      return [...shims].every(directory => browsers.has(directory)) ? true : undefined;
    };
    // A shim that outlives its browser for longer than that is what the caller wants to see.
    await pollUntil('a browser for each shim', { timeoutMs: 500, everyMs: 2 }, look).catch(() => undefined);
    return found;
  }

  /* The run directories that shims and browsers name. */
  async #runDirectories(): Promise<{ shims: ReadonlySet<string>; browsers: ReadonlyMap<string, number> }> {
    const shims = new Set<string>();
    const browsers = new Map<string, number>();
    for (const { pid, commandLine } of await listProcesses()) {
      const directory = new RegExp(`${this.dir.path}/run/(b-[0-9a-f]+)`).exec(commandLine)?.[1];
      if (directory === undefined) continue;
      if (commandLine.includes('/shim.sh ')) shims.add(directory);
      // A fork of a script has the same command line until its exec; the parent was started first.
      else if (isBrowser(commandLine))
        browsers.set(directory, Math.min(pid, browsers.get(directory) ?? Infinity));
    }
    return { shims, browsers };
  }

  /** Ends everything in order and removes the folder. Answers the supervisor's exit code. */
  async stop(): Promise<number | null> {
    const code = await this.interrupt('SIGTERM');
    await this.dir.remove();
    return code;
  }

  /** Sends a signal to the supervisor and waits for its end; answers the exit code. */
  async interrupt(
    signal: NodeJS.Signals,
    send: (supervisorPid: number) => void = pid => process.kill(pid, signal),
  ): Promise<number | null> {
    const supervisor = this.#supervisor;
    if (supervisor.exitCode !== null || supervisor.signalCode !== null) return supervisor.exitCode;
    const exited = once(supervisor, 'exit', { signal: AbortSignal.timeout(STOP_TIMEOUT_MS) });
    if (supervisor.pid === undefined) throw new Error('holdfast could not be started');
    send(supervisor.pid);
    await exited.catch((error: unknown) => {
      throw new Error(`holdfast did not stop:\n${this.#output.slice(-4_000)}`, { cause: error });
    });
    return supervisor.exitCode;
  }

  /** Ctrl-C in a terminal: SIGINT to the whole process group. Answers the supervisor's exit code. */
  async ctrlC(): Promise<number | null> {
    return this.interrupt('SIGINT', pid => process.kill(-pid, 'SIGINT'));
  }

  /** Kills everything at once as a power cut would: supervisor, every role, every browser. The data folder stays. */
  async cutPower(): Promise<void> {
    const roles = (['supervisor', 'redis', 'api', 'keeper', 'worker'] as const).map(role =>
      // This mode may not have the role.
      this.find(role).catch(() => null),
    );
    const victims = (await Promise.all(roles)).filter(identity => identity !== null);
    for (const { pid } of victims) sendSignal(pid, 'SIGKILL');
    await pollUntil('everything to be dead', { timeoutMs: 5_000, everyMs: 10 }, async () => {
      for (const pid of await this.browserProcesses()) sendSignal(pid, 'SIGKILL');
      const alive = await Promise.all(victims.map(identity => isAlive(systemProcesses, identity)));
      const browsers = await this.browserProcesses();
      return alive.includes(true) || browsers.length > 0 ? undefined : true;
    });
  }

  /** The socket of the Redis that the installation has started itself. */
  get redisSocketPath(): string {
    return join(this.dir.path, 'redis/redis.sock');
  }

  /** The password of its user `default`, who may do everything. */
  get redisPassword(): string {
    const text = readFileSync(join(this.dir.path, 'redis/access.json'), 'utf8');
    // SAFETY: the supervisor has written it.
    return (JSON.parse(text) as { passwords: { default: string } }).passwords.default;
  }

  /** The same Redis as a URL, as that user. */
  get redisUrl(): string {
    return `unix://default:${this.redisPassword}@localhost${this.redisSocketPath}`;
  }

  #spawn(): ChildProcess {
    const { env = {}, browser = 'null', mode = 'start', user, ownGroup = false } = this.options;
    const { prefix = [], bin = BIN } = this.options;
    const [program, ...args] = [...prefix, process.execPath, bin, mode];
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        TMPDIR: user === undefined ? process.env['TMPDIR'] : join(this.dir.path, 'tmp'),
        HOLDFAST_DATA_DIR: this.dir.path,
        HOLDFAST_PORT: '0',
        ...browserSettings(browser),
        HOLDFAST_SLOTS: '8',
        // A test that is not about them should not pay for them.
        HOLDFAST_WARM_BROWSERS: '0',
        HOLDFAST_METRICS_PORT: '0',
        ...env,
      },
      detached: ownGroup,
      ...user,
    });
    const listen = (chunk: Buffer): void => void (this.#output += chunk.toString());
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    return child;
  }
}

async function giveTo(user: InstallationOptions['user'], dir: string): Promise<void> {
  if (user === undefined) return;
  await mkdir(join(dir, 'tmp'));
  await Promise.all([dir, join(dir, 'tmp')].map(path => chown(path, user.uid, user.gid)));
}

const isBrowser = (commandLine: string): boolean =>
  !isWrapper(commandLine) &&
  // A null browser is a script at first, until it becomes (by exec) the program that it waits in.
  (commandLine.startsWith('dd if=') ||
    commandLine.includes('/null-browser.sh ') ||
    (commandLine.includes('--remote-debugging-port') && !commandLine.includes('--type=')));

function browserSettings(browser: 'null' | 'shell' | 'chromium'): Record<string, string> {
  const hasShell = browser === 'shell' && findHeadlessShell() !== null;
  if (hasShell) return { HOLDFAST_BROWSER: 'chromium-headless-shell' };
  return { HOLDFAST_BROWSER: browser === 'null' ? 'null' : 'chromium' };
}
