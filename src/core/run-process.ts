import { ConfigError, envToConfig, type Config } from '../config/config';
import { readEnv } from '../config/env';
import { beatToSupervisor, sendToSupervisor } from './beat';
import { systemClock } from './clock';
import { createLogger, type Logger } from './logger';
import { watchLoop } from './loop-watch';

/** Exit codes of all processes; a program may have further ones. */
export const EXIT = {
  /** Ended in order, after a signal. */
  ok: 0,
  /** Could not start, crashed, did not close cleanly, or got a second signal. */
  failed: 1,
  /** The command line or the configuration is not usable. */
  usage: 2,
} as const;

/** What a process is given to make its program from. */
export interface ProcessContext {
  readonly config: Config;
  readonly log: Logger;
  /** Whether a supervisor has started this process. */
  readonly isSupervised: boolean;
  /** Ends the process in order, as SIGTERM does. */
  readonly stop: (why: string) => void;
}

/** What one process does; how it is started and stopped is the same for all. */
export interface Program {
  /** Starts to serve. The supervisor is then told `ready`, with what this resolves with. */
  start(): Promise<Readonly<Record<string, unknown>>>;
  /** Ends in order. Called once at most, perhaps during the start. */
  close(why: string): Promise<void>;
  /** Called when a second signal arrives during `close`, which should then end soon. */
  hurry?(): void;
}

/** What distinguishes the processes from each other. */
export interface ProcessOptions {
  /** Names the process in its title and in its log lines. */
  readonly name: 'api' | 'worker' | 'keeper' | 'supervisor';
  /**
   * What the process has to do with the supervisor. `ends`: sends it a beat, and exits when it is gone. `outlives`:
   * waits for the next one. Null: it is the supervisor.
   */
  readonly supervisor: 'ends' | 'outlives' | null;
  /** How long `close` may take; anything not closed by then ends with the process. Null: it has limits of its own. */
  readonly closeLimitMs: number | null;
  /** @throws ConfigError, among others, if the program cannot be made from this configuration. */
  readonly open: (context: ProcessContext) => Program | Promise<Program>;
  /** The exit code of a failed start where it is not one of {@link EXIT}. */
  readonly exitCodeOf?: (error: unknown) => number | null;
  /** Reports why the start failed to the person who waits for it, in place of a log line. */
  readonly reportFailure?: (error: unknown) => void;
}

/** A second signal directly after the first is the same one: npm forwards a Ctrl-C that its child has received too. */
const SAME_SIGNAL_MS = 500;

/**
 * Runs a program until it is stopped: reads the configuration, reports to the supervisor that it is ready, obeys
 * signals. Resolves with the exit code, with which the caller exits at once: what is still open must not keep the
 * process alive. Exits by itself on an uncaught error, and when its supervisor is gone.
 */
export function runProcess(options: ProcessOptions): Promise<number> {
  const { name, supervisor } = options;
  process.title = `holdfast: ${name}`;
  const log = createLogger(name, 'info');
  exitOnUncaughtError(log);
  watchLoop({ clock: systemClock, log });
  followSupervisor(supervisor, log);
  const isSupervised = supervisor !== null && process.send !== undefined;
  return new Promise(resolve => {
    const run = new Run(options, log, resolve);
    stopOnSignals(isSupervised, signal => run.stop(signal));
    void run.start(isSupervised);
  });
}

/** One run of a program. `exit` is called with the exit code; only its first call counts. */
class Run {
  #program: Program | null = null;
  #stoppedAtMs: number | null = null;
  #isHurried = false;

  constructor(
    private readonly options: ProcessOptions,
    private readonly log: Logger,
    private readonly exit: (code: number) => void,
  ) {}

  /** Never rejects. */
  async start(isSupervised: boolean): Promise<void> {
    const { log } = this;
    try {
      const config = envToConfig(readEnv());
      log.level = config.logLevel;
      const stop = (why: string): void => this.stop(why);
      this.#program = await this.options.open({ config, log, isSupervised, stop });
      if (this.#stoppedAtMs !== null) return;
      const ready = await this.#program.start();
      if (isSupervised) sendToSupervisor({ ready: true, ...ready });
    } catch (error) {
      this.#fail(error);
    }
  }

  stop(why: string): void {
    const nowMs = systemClock.monotonicMs();
    if (this.#stoppedAtMs !== null) {
      if (nowMs - this.#stoppedAtMs > SAME_SIGNAL_MS) this.#hurry(why);
      return;
    }
    this.#stoppedAtMs = nowMs;
    this.#limitClose();
    void this.#close(why);
  }

  async #close(why: string): Promise<void> {
    try {
      await this.#program?.close(why);
      this.exit(this.#isHurried ? EXIT.failed : EXIT.ok);
    } catch (error) {
      this.log.error({ err: error }, 'closing failed');
      this.exit(EXIT.failed);
    }
  }

  #limitClose(): void {
    const { closeLimitMs } = this.options;
    if (closeLimitMs === null) return;
    setTimeout(() => {
      this.log.warn({ closeLimitMs }, 'not everything was closed in time');
      this.exit(EXIT.ok);
    }, closeLimitMs);
  }

  #hurry(why: string): void {
    if (this.#isHurried || this.#program?.hurry === undefined) return;
    this.#isHurried = true;
    this.log.warn({ why }, 'second signal; ending everything at once');
    this.#program.hurry();
  }

  #fail(error: unknown): void {
    // What is being closed already may well fail to start; how the close ends decides.
    if (this.#stoppedAtMs !== null)
      return this.log.warn({ err: error }, 'the start was interrupted by a stop');
    const { reportFailure, exitCodeOf } = this.options;
    if (reportFailure !== undefined) reportFailure(error);
    else this.log.fatal({ err: error }, 'could not start');
    this.exit(exitCodeOf?.(error) ?? (error instanceof ConfigError ? EXIT.usage : EXIT.failed));
  }
}

/*
 * Ctrl-C reaches the whole process group, and the end of a terminal its whole session. Under a supervisor, the
 * supervisor decides, with SIGTERM.
 */
function stopOnSignals(isSupervised: boolean, stop: (signal: NodeJS.Signals) => void): void {
  process.on('SIGTERM', stop);
  for (const signal of ['SIGINT', 'SIGHUP'] as const) {
    process.on(signal, isSupervised ? () => undefined : stop);
  }
}

function followSupervisor(supervisor: ProcessOptions['supervisor'], log: Logger): void {
  if (supervisor === 'ends') {
    beatToSupervisor();
    // Nothing is released: the next supervisor starts a successor, which goes on with the sessions.
    process.on('disconnect', () => process.exit(EXIT.failed));
  } else if (supervisor === 'outlives') {
    process.on('disconnect', () => log.warn('the supervisor is gone; waiting for a successor'));
  }
}

/* Others act as if this process was killed, which they survive; its own state cannot be trusted any more. */
function exitOnUncaughtError(log: Logger): void {
  const exit = (error: unknown): void => {
    log.fatal({ err: error }, 'uncaught error; the process ends');
    process.exit(EXIT.failed);
  };
  process.on('uncaughtException', exit);
  process.on('unhandledRejection', exit);
}
