import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from './connection';

/** The scripts in `lua/`, each in a file named after it and the number of keys it declares. */
const SCRIPTS = {
  loadSessions: 'load-sessions-3',
  createSession: 'create-session-14',
  commitSession: 'commit-session-22',
  pageMembers: 'page-members-1',
  packSession: 'pack-session-3',
  retireSessions: 'retire-sessions-2',
  renewLease: 'renew-lease-3',
  noteActivity: 'note-activity-4',
  notePresence: 'note-presence-1',
  settleDue: 'settle-due-2',
  comingDue: 'coming-due-2',
  extendLease: 'extend-lease-1',
  ackClose: 'ack-close-5',
  requestSave: 'request-save-3',
  finishSave: 'finish-save-1',
  ackEffects: 'ack-effects-2',
  quarantineJob: 'quarantine-job-3',
  takeOutJob: 'take-out-job-1',
  lookAtQueue: 'look-at-queue-8',
  trimFinished: 'trim-finished-2',
  keepFile: 'keep-file-3',
  takeTurn: 'take-turn-1',
  pullBackScores: 'pull-back-scores-5',
  createContext: 'create-context-5',
  updateContext: 'update-context-4',
  removeContext: 'remove-context-9',
  commitVersion: 'commit-version-6',
  restoreVersion: 'restore-version-4',
  claimWriter: 'claim-writer-2',
  addKey: 'add-key-3',
  rotateToken: 'rotate-token-2',
  holdPlaces: 'hold-places-1',
} as const;

/** The name of a script. */
export type ScriptName = keyof typeof SCRIPTS;

/** An argument of a script; everything reaches Lua as a string. */
export type ScriptArg = string | number | Buffer;

/** A reply of Lua: integers, strings and nested arrays of them. */
export type ScriptReply = string | number | null | ScriptReply[];

/** A reply of Lua whose texts are bytes; one level of arrays in it. */
export type BytesReply = readonly (Buffer | number | readonly (Buffer | number)[])[];

const readLua = (file: string): string => readFileSync(join(__dirname, 'lua', `${file}.lua`), 'utf8');

/* Puts what several scripts share in place of its name, as BullMQ does. */
const withIncludes = (lua: string): string =>
  lua.replace(/^--- @include "([a-z-]+)"$/gm, (_line, name: string) => readLua(`include/${name}`));

/**
 * Runs the Lua scripts on one connection, by EVALSHA with a fall-back to EVAL when the server no longer has them
 * (restart, SCRIPT FLUSH). A script may run twice when a connection breaks; its opId makes the second run harmless.
 */
export class ScriptRunner {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
    for (const [name, file] of Object.entries(SCRIPTS)) {
      // No numberOfKeys: the count travels with each call, since some scripts take more keys than they declare.
      redis.defineCommand(name, { lua: withIncludes(readLua(file)) });
    }
  }

  /** Runs one script. Keys are the names in its header, in their order. */
  async run(name: ScriptName, keys: readonly string[], args: readonly ScriptArg[]): Promise<ScriptReply> {
    // SAFETY: the constructor has defined a command of this name on this very connection.
    const commands = this.#redis as unknown as Record<
      ScriptName,
      (...all: ScriptArg[]) => Promise<ScriptReply>
    >;
    return commands[name](keys.length, ...keys, ...args);
  }

  /** The same for a script that answers with arrays of which some members are bytes, not text. */
  async runForBytes(
    name: ScriptName,
    keys: readonly string[],
    args: readonly ScriptArg[],
  ): Promise<BytesReply> {
    // SAFETY: ioredis defines such a command beside each one.
    const commands = this.#redis as unknown as Record<
      `${ScriptName}Buffer`,
      (...all: ScriptArg[]) => Promise<BytesReply>
    >;
    return commands[`${name}Buffer`](keys.length, ...keys, ...args);
  }
}
