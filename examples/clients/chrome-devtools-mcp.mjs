// chrome-devtools-mcp, as an agent starts it, with the API key in a header.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Browser } from 'holdfast';

const [url = 'http://127.0.0.1:3000'] = process.argv.slice(2);
const apiKey = process.env.HOLDFAST_API_KEY;
const holdfast = new Browser({ apiKey });
const session = await holdfast.sessions.create({ timeout: 300_000 });
const agent = new Client({ name: 'example', version: '1.0.0' });
try {
  const endpoint = new URL(session.websocketUrl);
  endpoint.search = ''; // the token
  const wsHeaders = JSON.stringify({ Authorization: `Bearer ${apiKey}` });
  const options = ['--wsEndpoint', endpoint.href, '--wsHeaders', wsHeaders, '--no-usage-statistics'];
  const server = { command: 'npx', args: ['chrome-devtools-mcp', ...options], stderr: 'ignore' };
  await agent.connect(new StdioClientTransport(server));
  // The session's first page has the number 1.
  await agent.callTool({ name: 'navigate_page', arguments: { pageId: 1, url } });
  const { content } = await agent.callTool({ name: 'take_snapshot', arguments: { pageId: 1 } });
  console.log(content[0].text);
} finally {
  await agent.close();
  await holdfast.sessions.release(session);
}
