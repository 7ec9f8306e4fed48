import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { messageOf } from '../../../src/core/errors';

const TIMEOUT_MS = 10_000;

/** nft(8) has refused something, or did not run; the message is its own. */
export class NftError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NftError';
  }
}

/** Carries out statements of nftables, all or none. @throws NftError */
export type Nft = (statements: string) => Promise<void>;

/** @param program - the path of nft */
export function nftProgram(program: string): Nft {
  return async statements => {
    const child = spawn(program, ['-f', '-'], {
      env: {},
      stdio: ['pipe', 'ignore', 'pipe'],
      timeout: TIMEOUT_MS,
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    child.stdin.on('error', () => undefined); // it has ended already, and says why
    child.stdin.end(statements);
    try {
      const [code, said] = await Promise.all([ended, text(child.stderr)]);
      if (code !== 0) throw new NftError(firstLine(said) ?? `nft ended with ${code ?? 'a signal'}`);
    } catch (error) {
      throw error instanceof NftError ? error : new NftError(messageOf(error));
    }
  };
}

/* "/dev/stdin:1:1-2: Error: Could not process rule: Operation not permitted", and then the rule itself. */
function firstLine(said: string): string | null {
  const [line = ''] = said.trim().split('\n');
  return line.replace(/^.*?Error: /, '') || null;
}
