import type { Redis } from '../../redis/connection';
import { keys } from '../../redis/keys';

/** How long a blob outlives its version, so that a mount that has begun can end. */
export const BLOB_GRACE_MS = 600_000;

/** How long a blob may be on its way into the storage before it counts as left behind. */
const BLOB_EXPECTED_MS = 24 * 3_600_000;

/**
 * Blobs that no version has, and when they may be deleted. A blob is doomed before it is written: the commit of its
 * version takes it off this list, so that a process that dies in between leaves nothing behind for ever.
 */
export class DoomedBlobs {
  constructor(private readonly redis: Redis) {}

  /**
   * Announces a blob that is about to be written. A version must take it within a day. A save that is repeated needs a
   * key of its own for each try: the version keeps the digest of the blob that it was made of.
   */
  async expect(blobKey: string, nowMs: number): Promise<void> {
    await this.redis.zadd(keys.doomedBlobs, nowMs + BLOB_EXPECTED_MS, blobKey);
  }

  /** Blobs to delete now, the longest doomed first. They are named again until they are forgotten. */
  async takeDueBlobs(nowMs: number, limit: number): Promise<string[]> {
    return this.redis.zrangebyscore(keys.doomedBlobs, '-inf', nowMs, 'LIMIT', 0, limit);
  }

  /** Takes a blob that was deleted off the list. */
  async forgetBlob(blobKey: string): Promise<void> {
    await this.redis.zrem(keys.doomedBlobs, blobKey);
  }
}
