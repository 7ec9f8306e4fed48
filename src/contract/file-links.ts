import { createHmac, timingSafeEqual } from 'node:crypto';

/** Makes links to files that jobs have made; a link gives access to its file without an API key. */
export class FileLinks {
  /**
   * @param publicUrl - without a trailing slash
   * @param secret - the installation's secret
   */
  constructor(
    private readonly publicUrl: string,
    private readonly secret: string,
  ) {}

  /** The link of a file. */
  urlOf(fileId: string): string {
    return `${this.publicUrl}/v1/files/${fileId}?token=${this.#token(fileId).toString('base64url')}`;
  }

  /** Whether a token is the one of a file; compared in constant time. */
  isToken(fileId: string, token: string): boolean {
    const given = Buffer.from(token, 'base64url');
    const expected = this.#token(fileId);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #token(fileId: string): Buffer {
    return createHmac('sha256', this.secret).update(`file:${fileId}`).digest();
  }
}
