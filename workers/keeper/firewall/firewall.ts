import { NOBODY_UID } from '../../../src/core/browser-uids';
import { messageOf } from '../../../src/core/errors';
import type { Logger } from '../../../src/core/logger';
import type { User } from '../process/run-root';
import type { Nft } from './nft';
import { added, removed, wholeTable, withoutTable, type FirewallEntry, type Reach } from './ruleset';
import type { TableNames } from './table-names';

/**
 * How often it is checked that the rules are still there: a firewall that is loaded anew may remove those of others.
 */
const CHECK_MS = 10_000;

/** What {@link Firewall} needs. */
export interface FirewallParts {
  readonly tables: TableNames;
  readonly nft: Nft;
  readonly log: Logger;
}

/**
 * The rules of nftables about the users of a keeper's browsers, in a table of the keeper's own. The rules outlive the
 * keeper: they change only when the next one has taken over. Writes that are wanted at the same time are one call of
 * nft.
 */
export class Firewall {
  readonly #parts: FirewallParts;
  readonly #browsers = new Map<number, FirewallEntry>();
  #waiting: string[] = [];
  #turn: Promise<void> | null = null;
  #written: Promise<void> = Promise.resolve();
  #check: NodeJS.Timeout | null = null;

  constructor(parts: FirewallParts) {
    this.#parts = parts;
  }

  /**
   * Takes over from an earlier keeper, in one step.
   *
   * @param before - the browsers of that keeper, and what may be left of them
   * @throws NftError; what the file system throws.
   */
  async open(before: readonly FirewallEntry[]): Promise<void> {
    const { tables, nft } = this.#parts;
    for (const table of await tables.abandoned()) await removeTable(tables, nft, table);
    await tables.reserve();
    for (const entry of before) this.#browsers.set(entry.uid, entry);
    await nft(this.#whole());
    this.#check = setInterval(() => void this.#checkTable(), CHECK_MS).unref();
  }

  /** Enters a user, before its browser is started. @throws NftError; then it is not in the rules. */
  enclose({ uid }: User, reach: Reach): Promise<void> {
    return this.#add({ uid, reach, devToolsPort: null });
  }

  /** Lets root reach the DevTools of a browser in the rules. Until then nobody does. @throws NftError */
  async openDevTools({ uid }: User, devToolsPort: number): Promise<void> {
    const known = this.#browsers.get(uid);
    if (known !== undefined) await this.#add({ ...known, devToolsPort });
  }

  /** All processes of the user are gone. @throws NftError; then the rules are as before. */
  async release({ uid }: User): Promise<void> {
    const known = this.#browsers.get(uid);
    if (known === undefined) return;
    this.#browsers.delete(uid);
    try {
      await this.#write(removed(this.#parts.tables.own, known, this.#browsers.values()));
    } catch (error) {
      this.#browsers.set(uid, known);
      throw error;
    }
  }

  /** Removes the table, unless there are browsers that go on: then the next keeper finds it. @throws NftError */
  async close(): Promise<void> {
    // The table of an earlier keeper is not this one's, if it was never opened.
    if (this.#check === null) return;
    clearInterval(this.#check);
    await (this.#turn ?? this.#written);
    const { tables, nft } = this.#parts;
    if (this.#browsers.size === 0) await removeTable(tables, nft);
  }

  async #add(entry: FirewallEntry): Promise<void> {
    this.#browsers.set(entry.uid, entry);
    await this.#write(added(this.#parts.tables.own, entry));
  }

  #write(statements: string): Promise<void> {
    this.#waiting.push(statements);
    this.#turn ??= this.#written.then(() => this.#begin());
    return this.#turn;
  }

  #begin(): Promise<void> {
    const statements = this.#waiting.splice(0).join('');
    this.#turn = null;
    const writing = this.#carryOut(statements);
    this.#written = writing.catch(() => undefined); // whoever waits for it hears it
    return writing;
  }

  /* What was removed or changed by others is put right. */
  async #carryOut(statements: string): Promise<void> {
    const { nft, log } = this.#parts;
    try {
      await nft(statements);
    } catch (error) {
      log.error(
        { reason: messageOf(error) },
        'the rules of the firewall were changed by others; writing them anew',
      );
      await nft(this.#whole());
    }
  }

  async #checkTable(): Promise<void> {
    if (this.#browsers.size === 0) return;
    const { tables, log } = this.#parts;
    await this.#write(`list chain inet ${tables.own} output\n`).catch((error: unknown) =>
      log.error({ reason: messageOf(error) }, 'the rules of the firewall cannot be written'),
    );
  }

  #whole(): string {
    return wholeTable(this.#parts.tables.own, [...this.#browsers.values()]);
  }
}

/**
 * Makes and removes a table with everything that a firewall has.
 *
 * @throws NftError if that cannot be done here.
 */
export async function tryTable(table: string, nft: Nft): Promise<void> {
  const door = { host: '127.0.0.1', port: 1 };
  await nft(wholeTable(table, [{ uid: NOBODY_UID, reach: [door], devToolsPort: 1 }]));
  await nft(withoutTable(table));
}

/** Removes a table, which may be gone already. @throws NftError; what the file system throws. */
export async function removeTable(tables: TableNames, nft: Nft, table = tables.own): Promise<void> {
  await nft(withoutTable(table));
  await tables.free(table);
}
