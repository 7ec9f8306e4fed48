import { readFileSync, writeFileSync } from 'node:fs';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../../../src/core/errors';

/** The cgroup within that of a browser for the processes of its pages; made when it first sleeps. */
export const PAGES_CGROUP = 'pages';

/** The processes in a cgroup, without those in cgroups below it; none if it is gone. */
export async function pidsIn(folder: string): Promise<number[]> {
  const list = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  return list.split('\n').filter(Boolean).map(Number);
}

/** How a cgroup is frozen: the kernel takes the processor from everything in it, until it gives it back. */
interface Form {
  readonly file: string;
  readonly frozen: string;
  readonly thawed: string;
  /** Where to read whether nothing in it runs any more. */
  readonly report: string;
  readonly isFrozen: RegExp;
}

/** Version 1 and 2, known by their files. */
const FORMS: readonly Form[] = [
  {
    file: 'freezer.state',
    frozen: 'FROZEN',
    thawed: 'THAWED',
    report: 'freezer.state',
    isFrozen: /^FROZEN$/m,
  },
  { file: 'cgroup.freeze', frozen: '1', thawed: '0', report: 'cgroup.events', isFrozen: /^frozen 1$/m },
];

/** A cgroup that can be frozen. */
export class FreezableCgroup {
  private constructor(
    private readonly folder: string,
    private readonly form: Form,
  ) {}

  /** The one of these cgroups that can be frozen; null: none can. */
  static async find(folders: readonly string[]): Promise<FreezableCgroup | null> {
    for (const folder of folders) {
      for (const form of FORMS) {
        const isThere = await access(join(folder, form.file)).then(
          () => true,
          () => false, // of another version, or of another controller
        );
        if (isThere) return new FreezableCgroup(folder, form);
      }
    }
    return null;
  }

  /**
   * Begins to freeze. Not with a promise, like the next one: each is done when it returns, so that they take effect in
   * the order of their calls. It takes a few microseconds. Nothing is done about one that is gone.
   *
   * @throws what else the file system throws.
   */
  freeze(): void {
    unlessGone(() => this.#write(this.form.frozen));
  }

  /** Thaws everything in it, its pages first. @throws as {@link FreezableCgroup.freeze}. */
  thaw(): void {
    unlessGone(() => this.#write(this.form.thawed, PAGES_CGROUP));
    unlessGone(() => this.#write(this.form.thawed));
  }

  /** Thaws everything in it but what was set aside as its pages. @throws as {@link FreezableCgroup.freeze}. */
  thawAllButPages(): void {
    unlessGone(() => this.#write(this.form.frozen, PAGES_CGROUP));
    unlessGone(() => this.#write(this.form.thawed));
  }

  /**
   * Moves processes into the cgroup of the pages. What these start is in there as well.
   *
   * @param isOfPage - whether a process belongs there
   * @throws what the file system throws.
   */
  async setPagesAside(isOfPage: (pid: number) => Promise<boolean>): Promise<void> {
    const pages = join(this.folder, PAGES_CGROUP);
    await mkdir(pages).catch((error: unknown) => {
      if (systemCodeOf(error) !== 'EEXIST') throw error;
    });
    for (const pid of await pidsIn(this.folder)) {
      if (!(await isOfPage(pid))) continue;
      // One that has ended meanwhile needs no place.
      await writeFile(join(pages, 'cgroup.procs'), String(pid), { flag: 'r+' }).catch((error: unknown) => {
        if (systemCodeOf(error) !== 'ESRCH') throw error;
      });
    }
  }

  /** Whether nothing in it runs any more. @throws what the file system throws. */
  get isFrozen(): boolean {
    return this.form.isFrozen.test(readFileSync(join(this.folder, this.form.report), 'utf8'));
  }

  #write(word: string, below = ''): void {
    writeFileSync(join(this.folder, below, this.form.file), word, { flag: 'r+' });
  }
}

/** Thaws what can be frozen of these cgroups: in version 1 what is frozen cannot be killed. @throws as its `thaw`. */
export async function thawCgroups(folders: readonly string[]): Promise<void> {
  (await FreezableCgroup.find(folders))?.thaw();
}

function unlessGone(work: () => void): void {
  try {
    work();
  } catch (error) {
    const code = systemCodeOf(error);
    if (code !== 'ENOENT' && code !== 'ENODEV') throw error;
  }
}
