/** What has gone through the forward proxy of a browser. */
export interface TrafficCounts {
  /** From the browser, with the heads of its requests to the proxy. */
  readonly sentBytes: number;
  /** To the browser. */
  readonly receivedBytes: number;
  /** How many requests the rules of egress have refused. */
  readonly refused: number;
}

/** @see TrafficCounts */
export interface Traffic extends TrafficCounts {
  /** The hosts of the last requests that were refused, latest last, none twice: {@link REFUSED_HOSTS_MAX} at most. */
  readonly refusedHosts: readonly string[];
}

/** How many hosts are remembered. Pages choose them, so there must be an end. */
export const REFUSED_HOSTS_MAX = 10;

/** Nothing has gone through. */
export const NO_TRAFFIC: Traffic = { sentBytes: 0, receivedBytes: 0, refused: 0, refusedHosts: [] };
