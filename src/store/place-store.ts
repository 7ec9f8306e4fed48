import type { QuotaName } from '../config/quotas';
import { keys } from '../redis/keys';
import type { ScriptRunner } from '../redis/script-runner';

/** How long the places of a process count after it has last stated them, by Redis `TIME`. */
export const PLACE_TTL_MS = 10_000;

/** The quotas whose places are held by connections. */
export type PlaceQuota = Extract<QuotaName, 'sockets' | 'streams'>;

/** What an API process holds of a tenant's quota, and what it asks for. */
export interface PlaceClaim {
  readonly quota: PlaceQuota;
  readonly tenant: string;
  readonly processId: string;
  readonly held: number;
  readonly asked: number;
  readonly limit: number;
}

/** How many connections of each tenant the API processes of an installation carry, where there is a quota for them. */
export class PlaceStore {
  /** @param ttlMs - default: {@link PLACE_TTL_MS} */
  constructor(
    private readonly scripts: ScriptRunner,
    private readonly ttlMs: number = PLACE_TTL_MS,
  ) {}

  /** States what a process holds, and takes more within the limit of all processes; returns how many more. */
  async hold({ quota, tenant, processId, held, asked, limit }: PlaceClaim): Promise<number> {
    const reply = await this.scripts.run(
      'holdPlaces',
      [keys.places(quota, tenant)],
      [processId, held, asked, limit, this.ttlMs],
    );
    return Number(reply);
  }
}
