import type { Socket } from 'node:net';
import { REFUSED_HOSTS_MAX, type Traffic } from '../../../../src/core/traffic';

/** The longest name that DNS has. A longer one can be asked for. */
const HOST_MAX = 253;

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
  refuse(asked: string): void {
    const host = asked.slice(0, HOST_MAX);
    this.#refused += 1;
    this.#refusedHosts.delete(host);
    this.#refusedHosts.add(host);
    const [oldest] = this.#refusedHosts;
    if (this.#refusedHosts.size > REFUSED_HOSTS_MAX && oldest !== undefined)
      this.#refusedHosts.delete(oldest);
  }

  /** Since the start of this process. */
  get traffic(): Traffic {
    let [sentBytes, receivedBytes] = [this.#sentBytes, this.#receivedBytes];
    for (const { bytesRead, bytesWritten } of this.#open) {
      sentBytes += bytesRead;
      receivedBytes += bytesWritten;
    }
    return { sentBytes, receivedBytes, refused: this.#refused, refusedHosts: [...this.#refusedHosts] };
  }
}
