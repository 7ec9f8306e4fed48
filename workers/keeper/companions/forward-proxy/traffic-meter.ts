import type { Socket } from 'node:net';

/** How many of the hosts that were refused last are remembered. */
const REFUSED_HOSTS_MAX = 10;

/** What has gone through a forward proxy since its start. */
export interface Traffic {
  /** From the browser, with the heads of its requests to the proxy. */
  readonly sentBytes: number;
  /** To the browser. */
  readonly receivedBytes: number;
  /** How many requests the rules have refused. */
  readonly refused: number;
  /** The hosts of the last ones, latest last, none twice. */
  readonly refusedHosts: readonly string[];
}

/** Nothing has gone through. */
export const NO_TRAFFIC: Traffic = { sentBytes: 0, receivedBytes: 0, refused: 0, refusedHosts: [] };

/** Counts what goes through, by the sockets of the browser: nothing is between the bytes and their way. */
export class TrafficMeter {
  readonly #open = new Set<Socket>();
  readonly #refusedHosts = new Set<string>();
  #sentBytes = 0;
  #receivedBytes = 0;
  #refused = 0;

  /** A new connection of the browser. */
  add(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#sentBytes += socket.bytesRead;
      this.#receivedBytes += socket.bytesWritten;
    });
  }

  /** A request for this host was refused. */
  refuse(host: string): void {
    this.#refused += 1;
    this.#refusedHosts.delete(host);
    this.#refusedHosts.add(host);
    const [oldest] = this.#refusedHosts;
    if (this.#refusedHosts.size > REFUSED_HOSTS_MAX && oldest !== undefined)
      this.#refusedHosts.delete(oldest);
  }

  get traffic(): Traffic {
    let [sentBytes, receivedBytes] = [this.#sentBytes, this.#receivedBytes];
    for (const { bytesRead, bytesWritten } of this.#open) {
      sentBytes += bytesRead;
      receivedBytes += bytesWritten;
    }
    return { sentBytes, receivedBytes, refused: this.#refused, refusedHosts: [...this.#refusedHosts] };
  }
}
