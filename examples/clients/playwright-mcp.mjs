// @playwright/mcp, as an agent starts it: tools over MCP that work in a session.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Browser } from 'holdfast';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const holdfast = new Browser();
const session = await holdfast.sessions.create({ timeout: 300_000 });
const agent = new Client({ name: 'example', version: '1.0.0' });
try {
  // `--cdp-endpoint` does the same, but a command line can be read by every user of the machine.
  const env = { ...process.env, PLAYWRIGHT_MCP_CDP_ENDPOINT: session.websocketUrl };
  await agent.connect(new StdioClientTransport({ command: 'npx', args: ['@playwright/mcp'], env }));
  const { content } = await agent.callTool({ name: 'browser_navigate', arguments: { url } });
  console.log(/Page Title: .*/.exec(content[0].text)[0]);
} finally {
  await agent.close();
  await holdfast.sessions.release(session);
}
