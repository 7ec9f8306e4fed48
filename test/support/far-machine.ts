import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const IP = '/usr/sbin/ip';

/** Whether network namespaces can be made on this machine: Linux, root, iproute2. */
export const canIsolate = process.platform === 'linux' && process.getuid?.() === 0 && existsSync(IP);

/** A network namespace, connected by one cable that can be pulled: for IP, another machine. */
export interface FarMachine {
  readonly hereAddress: string;
  readonly thereAddress: string;
  /** Put before a command line, it runs the command on the other machine. */
  readonly prefix: readonly string[];
  pullCable(): Promise<void>;
  plugCable(): Promise<void>;
  remove(): Promise<void>;
}

/** Makes one. Names and addresses contain the pid, so that parallel runs do not collide. */
export async function makeFarMachine(): Promise<FarMachine> {
  const tag = process.pid.toString(36);
  const [name, here, there] = [`hf-${tag}`, `hfa${tag}`, `hfb${tag}`];
  const subnet = `10.${64 + (process.pid % 64)}.${(process.pid >> 6) % 256}`;
  const ip = async (...args: string[]): Promise<void> => {
    await run(IP, args);
  };
  await ip('netns', 'add', name);
  await ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there);
  await ip('link', 'set', there, 'netns', name);
  await ip('addr', 'add', `${subnet}.1/24`, 'dev', here);
  await ip('link', 'set', here, 'up');
  await ip('-n', name, 'addr', 'add', `${subnet}.2/24`, 'dev', there);
  await ip('-n', name, 'link', 'set', there, 'up');
  await ip('-n', name, 'link', 'set', 'lo', 'up');
  return {
    hereAddress: `${subnet}.1`,
    thereAddress: `${subnet}.2`,
    prefix: [IP, 'netns', 'exec', name],
    pullCable: () => ip('link', 'set', here, 'down'),
    plugCable: () => ip('link', 'set', here, 'up'),
    remove: async () => {
      await ip('link', 'del', here);
      await ip('netns', 'del', name);
    },
  };
}
