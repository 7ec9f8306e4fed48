import { randomUUID } from 'node:crypto';
import { cp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderBlobs } from '../src/blobs/folder-blobs';
import { NO_QUOTAS } from '../src/config/quotas';
import { EMPTY_STATE } from '../src/core/browser-state';
import { systemClock } from '../src/core/clock';
import { VersionMaker } from '../src/engine/version-maker';
import { KEPT_PARTS } from '../src/profiles/profile-parts';
import type { Installation } from '../test/support/installation';
import { timed } from './harness';
import { profileOf } from './session-browser';

/* The baseline: a profile packed, encrypted and stored as a worker does it, without a browser and without Redis. */

const LIMITS = { maxBytes: 256 * 2 ** 20, tenantMaxBytes: 2 ** 40, keptVersions: 1 };

/** Saves a copy of a session's profile, as often as asked. */
export class BareSave {
  private constructor(
    private readonly folder: string,
    private readonly maker: VersionMaker,
  ) {}

  /** Copies the profile of the one session that runs. */
  static async of(installation: Installation): Promise<BareSave> {
    const folder = join(tmpdir(), `save-${randomUUID().slice(0, 8)}`);
    await mkdir(folder);
    const profile = await profileOf(installation);
    for (const part of KEPT_PARTS) {
      // What this profile does not have is not saved either.
      await cp(join(profile, part), join(folder, 'profile', part), { recursive: true }).catch(
        () => undefined,
      );
    }
    const maker = new VersionMaker({
      commitVersion: () => Promise.resolve({ answer: 'OK', version: 1, isCurrent: true, revision: 1 }),
      doomedBlobs: { expect: () => Promise.resolve() },
      blobs: new FolderBlobs(join(folder, 'blobs'), systemClock),
      report: { contextSaved: () => undefined },
      config: { contexts: LIMITS, quotas: { default: NO_QUOTAS, tenants: {} } },
      secret: 'a secret of the benchmark',
      clock: systemClock,
    });
    return new BareSave(folder, maker);
  }

  /** Saves once; answers how long it took, in milliseconds. */
  async measure(): Promise<number> {
    const { tookMs } = await timed(() =>
      this.maker.make({
        ...{ tenant: 'default', contextId: 'bare', sessionId: null, saveId: randomUUID() },
        ...{ onConflict: 'replace', source: 'session', baseVersion: 0, endedCleanly: true },
        dir: join(this.folder, 'profile'),
        state: EMPTY_STATE,
      }),
    );
    await rm(join(this.folder, 'blobs/contexts'), { recursive: true });
    return tookMs;
  }

  /** Removes the copy. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
