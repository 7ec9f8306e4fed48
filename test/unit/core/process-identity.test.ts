import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isAlive,
  sendSignal,
  signalProcess,
  systemProcesses as table,
  type ProcessIdentity,
} from '../../../src/core/process-identity';
import { makeTempDir } from '../../support/temp-dir';
import { pollUntil } from '../../support/poll-until';

/* Tests real processes: the kernel must report what the code expects. */

const children: ChildProcess[] = [];

async function start(command: string, ...args: string[]): Promise<ChildProcess & { pid: number }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await once(child, 'spawn');
  // SAFETY: a process that was spawned has a pid.
  return child as ChildProcess & { pid: number };
}

async function identityOf(pid: number): Promise<ProcessIdentity> {
  const identity = await table.identify(pid);
  if (identity === null) throw new Error(`no process ${pid}`);
  return identity;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

afterEach(async () => {
  await Promise.all(children.splice(0).map(end));
});

describe('the identity of a process', () => {
  it('stays the same for as long as it lives', async () => {
    const { pid } = await start('sleep', '60');
    const identity = await identityOf(pid);
    expect(await table.identify(pid)).toEqual(identity);
    expect(await isAlive(table, identity)).toBe(true);
  });

  it('is null once it has gone', async () => {
    const child = await start('sleep', '60');
    const identity = await identityOf(child.pid);
    await end(child);
    expect(await table.identify(child.pid)).toBeNull();
    expect(await isAlive(table, identity)).toBe(false);
  });

  it('is null for a zombie, which runs no code any more', async () => {
    // The shell leaves a child behind and becomes sleep, which never waits for children.
    const { stdout } = await start('sh', '-c', 'sleep 0.01 & echo $!; exec sleep 60');
    const [line] = (await once(stdout ?? process.stdin, 'data')) as [Buffer];
    const zombie = Number(line.toString());
    await pollUntil('the end of it', { timeoutMs: 5_000, everyMs: 10 }, async () =>
      (await table.identify(zombie)) === null ? true : undefined,
    );
    // It still has a pid, and signals to it still "work".
    expect(sendSignal(zombie, 'SIGCONT')).toBe(true);
    expect(await table.identify(zombie)).toBeNull();
  });

  it('is there for a process that is stopped', async () => {
    const { pid } = await start('sleep', '60');
    sendSignal(pid, 'SIGSTOP');
    expect(await table.identify(pid)).not.toBeNull();
  });

  it('is not the one of an earlier process with the same pid', async () => {
    const { pid } = await start('sleep', '60');
    const earlier = { pid, startedAt: '1' };
    expect(await isAlive(table, earlier)).toBe(false);
    expect(await signalProcess(table, earlier, 'SIGKILL')).toBe(false);
    expect(await table.identify(pid)).not.toBeNull();
  });

  it('is read correctly when the name of the program looks like the fields after it', async () => {
    const dir = await makeTempDir();
    const program = join(dir.path, 'a) Z 1 (b');
    await symlink('/bin/sleep', program);
    const { pid } = await start(program, '60');
    const { startedAt } = await identityOf(pid);
    const { startedAt: ours } = await identityOf(process.pid);
    expect(Number(startedAt)).toBeGreaterThanOrEqual(Number(ours));
    await dir.remove();
  });
});

describe('signalling', () => {
  it('reaches exactly the process that was meant', async () => {
    const child = await start('sleep', '60');
    const exit = once(child, 'exit');
    expect(await signalProcess(table, await identityOf(child.pid), 'SIGTERM')).toBe(true);
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('answers false when the process is gone', async () => {
    const child = await start('sleep', '60');
    const identity = await identityOf(child.pid);
    await end(child);
    expect(await signalProcess(table, identity, 'SIGTERM')).toBe(false);
    expect(sendSignal(child.pid, 'SIGTERM')).toBe(false);
  });
});

describe('the process table', () => {
  it('lists living processes with their whole command line', async () => {
    const { pid } = await start('sleep', '60.25');
    const found = (await table.list()).find(entry => entry.pid === pid);
    expect(found?.commandLine).toBe('sleep 60.25');
  });

  it('names this boot and this network namespace, the same on every call', async () => {
    expect(await table.bootId()).toBe(await table.bootId());
    expect(await table.networkNamespace()).toBe(await table.networkNamespace());
    expect(await table.bootId()).not.toBe('');
  });
});
