/** One run of a file of `examples/clients`. */
export interface ClientExample {
  readonly file: string;
  /** The version of the tool that runs; default: what the file imports. */
  readonly version?: { readonly imports: string; readonly instead: string };
  /** Lines that it has to print; others may stand between them. */
  readonly prints: readonly (string | RegExp)[];
  /** How many sessions it makes. Default: 1. */
  readonly sessions?: number;
  /** The arguments of Playwright Test, where that runs the file. */
  readonly playwrightTest?: readonly string[];
}

const TITLE = ['title: First'];

const olderPlaywright = (version: string): NonNullable<ClientExample['version']> => ({
  imports: 'playwright-core',
  instead: `playwright-core-${version}`,
});

const NEWEST_PUPPETEER = { imports: 'puppeteer-core', instead: 'puppeteer-core-25' };

/** Every run; `test/clients/main.ts` fails if a file of the folder has none. */
export const CLIENT_EXAMPLES: readonly ClientExample[] = [
  { file: 'playwright.mjs', prints: TITLE },
  ...['1.57', '1.49', '1.40'].map(version => ({
    file: 'playwright.mjs',
    version: olderPlaywright(version),
    prints: TITLE,
  })),
  { file: 'playwright-header.mjs', prints: TITLE },
  { file: 'playwright-header.mjs', version: olderPlaywright('1.40'), prints: TITLE },
  { file: 'puppeteer.mjs', prints: TITLE },
  { file: 'puppeteer.mjs', version: NEWEST_PUPPETEER, prints: TITLE },
  { file: 'puppeteer-header.mjs', prints: TITLE },
  { file: 'puppeteer-header.mjs', version: NEWEST_PUPPETEER, prints: TITLE },
  { file: 'chrome-remote-interface.mjs', prints: TITLE },
  { file: 'playwright-mcp.mjs', prints: ['Page Title: First'] },
  { file: 'chrome-devtools-mcp.mjs', prints: [/heading "First" level="1"$/] },
  { file: 'stagehand.mjs', prints: ['the button says: pressed'] },
  { file: 'crawlee.mjs', prints: ['/: First', '/second: Second'] },
  { file: 'lighthouse.mjs', prints: ['Accessibility: 87', 'SEO: 82'] },
  { file: 'axe.mjs', prints: ['image-alt: Images must have alternative text'] },
  {
    file: 'playwright-test.spec.mjs',
    playwrightTest: ['--workers', '2', '--reporter', 'list'],
    prints: ['worker 0 has a session', 'worker 1 has a session', /^2 passed/],
    sessions: 2,
  },
];

/** The lines that an output lacks. Colours and indents do not count. */
export function missingLines(output: string, expected: ClientExample['prints']): string[] {
  const lines = output.split('\n').map(line => line.replace(COLOUR, '').trim());
  const hasLine = (wanted: string | RegExp): boolean =>
    lines.some(line => (typeof wanted === 'string' ? line === wanted : wanted.test(line)));
  return expected.filter(wanted => !hasLine(wanted)).map(String);
}

// The escape character begins a colour.
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
