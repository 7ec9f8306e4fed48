import { join } from 'node:path';
import type { RunDirectory } from '../process/run-directory';
import { installFile } from '../process/run-root';
import { noNetlink } from './no-netlink';

/**
 * Where a browser in a network of its own finds its forward proxy: the relay listens there. Nobody else is in that
 * network, and the kernel gives no such port to a program that asks for any.
 */
export const PROXY_DOOR = { host: '127.0.0.1', port: 3128 };

/** The option in which a relay, and what starts it, names the run directory, so that both end with all that name it. */
export const RELAY_OPTION = '--relay-of';

/** Arguments of Node: the program of the build. */
const RELAY_ARGS = [join(__dirname, 'relay', 'main.js')];

/** Where X11 has its sockets. */
const DISPLAY_SOCKETS = '/tmp/.X11-unix';

/** The descriptor on which bubblewrap reads the filter of system calls. */
const FILTER_FD = 4;

/**
 * A network for each browser, which has a loopback and no way out (ADR 80). Two Unix sockets lead through its wall,
 * held by a relay: one in, to DevTools, one out, to the browser's forward proxy. Both are in the run directory, which
 * the cage does not show. The relay is in the network and outside of the cage, so that no program of the browser's sees
 * it.
 *
 * Made by bubblewrap without privileges.
 */
export class OwnNetwork {
  private constructor(
    private readonly program: string,
    /** Null: there is none. */
    private readonly relay: readonly string[] | null,
    private readonly filter: string | null,
  ) {}

  /**
   * @param program - bubblewrap
   * @param relayArgs - arguments of Node; left out: those of the build
   * @throws what the file system throws.
   */
  static async prepare(
    program: string,
    runRoot: string,
    relayArgs: readonly string[] = RELAY_ARGS,
  ): Promise<OwnNetwork> {
    const relay = [process.execPath, ...relayArgs];
    const filter = noNetlink(process.arch);
    if (filter === null) return new OwnNetwork(program, relay, null);
    return new OwnNetwork(program, relay, await installFile(runRoot, 'no-netlink.bpf', filter));
  }

  /** The same without relays. */
  get withoutRelay(): OwnNetwork {
    return new OwnNetwork(this.program, null, this.filter);
  }

  /** What a cage in it has in addition. */
  get cageWords(): readonly string[] {
    return this.filter === null ? [] : ['--seccomp', String(FILTER_FD)];
  }

  /** What comes before the words of a cage so that it is in a network of its own, beside a relay. */
  words({ path }: RunDirectory): string[] {
    const beside = this.relay === null ? '' : keepingUp([...this.relay, `${RELAY_OPTION}=${path}/`]);
    const filter = this.filter === null ? '' : ` ${FILTER_FD}<${quoted(this.filter)}`;
    const namespaces = ['--unshare-user', '--unshare-net', '--dev-bind', '/', '/'];
    return [this.program, ...namespaces, '--', '/bin/sh', '-c', `${beside} exec "$@"${filter}`, 'sh'];
  }

  /** What a cage shows of the browser's display, if there is one. */
  displayOf({ displaySockets }: RunDirectory): string[] {
    return ['--ro-bind-try', displaySockets, DISPLAY_SOCKETS];
  }

  /**
   * What comes before the display of a browser, which is outside of its network, so that its socket is a file in the
   * run directory: abstract sockets belong to a network.
   */
  displayWords({ displaySockets, authority }: RunDirectory): string[] {
    return [
      this.program,
      ...['--dev-bind', '/', '/', '--tmpfs', '/tmp'],
      ...['--bind', displaySockets, DISPLAY_SOCKETS, '--ro-bind', authority, authority, '--'],
    ];
  }
}

/*
 * A relay, and another one when it has ended, until all that names the run directory is killed. The first one comes
 * soon, for the sake of clients; further ones do not take the processor away from a browser whose relay cannot start.
 * By a shell of its own, whose command line has none of the browser's words, and without the descriptor of the cage's
 * report.
 */
function keepingUp(relay: readonly string[]): string {
  const once = relay.map(quoted).join(' ');
  const loop = `d=0.1; while :; do ${once}; sleep $d || sleep 1; d=1; done`;
  return `/bin/sh -c ${quoted(loop)} </dev/null 3<&- &`;
}

/** A word of a command line of sh. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
