/*
 * What sessions have in common as text. The packed ones cannot be read without it: never edit it. Another text is
 * another dictionary, with another number.
 */

/** What most sessions have is last: deflate refers to what is near in fewer bits. */
const FIRST = [
  '"contextUse":{"contextId":"ctx_","persist":true,"onConflict":"keep","saveEveryMs":60000},"mountedVersion":',
  '"lastSave":{"saveId":,"atMs":,"version":,"isCurrent":true,"problem":{"code":"","message":""}}',
  '"event":"context_save","event":"adopt","cause":"adopted","workerId":"w-","event":"worker_lost","fence":{"n":',
  '"event":"update","change":{"name":"","timeoutMs":600000,"idleTimeoutMs":},"event":"downloads_cut"',
  '"event":"launch_failed","event":"mount_failed","message":"","error":{"code":"launch_failed","message":"',
  '"event":"browser_gone","to":"failed","cause":"browser_crashed","client_closed_browser","worker_lost"',
  '"event":"timeout","from":"live","to":"timed_out","cause":"idle","actor":"timer","kind":"connect","deadlineMs":',
  '"activity":{"lastActivityMs":null,"attachedAtMs":null,"presentAtMs":null}}}"endReason":"session_timeout"',
  '"options":{"browser":"chromium-headless-shell","headless":true,"dimensions":{"width":1280,"height":720},',
  '"deviceScaleFactor":1,"userAgent":"Mozilla/5.0 (","locale":"en-US","timezone":"Europe/Berlin",',
  '"egress":{"allow":["*."],"deny":[]},"proxyServer":"http://"},"sealed":"","name":"",',
  '"connectTimeoutMs":60000,"disconnectTimeoutMs":60000,"sleepAfterMs":60000,"idleTimeoutMs":300000,',
  '8\n{"value":"released","context":{"limits":{"timeoutMs":300000,"queueTimeoutMs":60000},"options":{"headless":true},',
  '"launchAttempts":1,"fenceN":1,"owner":{"workerId":"","fence":{"n":1,"claimId":""}},"liveAtMs":,"endpoint":{"port":,',
  '"path":"/devtools/browser/","bootId":"","netns":"net:[40265","devToolsSocket":"/","gateway":"","gatewaySocket":"/"},',
  '"endedAtMs":,"endReason":"released_by_client"}}\n',
  '{"seq":1,"at":17,"event":"created","from":null,"to":"created","cause":"requested","actor":"key:default",',
  '"input":{"limits":{"timeoutMs":300000,"queueTimeoutMs":60000},"nowMs":17,"labels":{},"options":{"headless":true}}}\n',
  '{"seq":2,"at":17,"event":"claim","from":"created","to":"created","cause":"launch","actor":"worker:01",',
  '"input":{"nowMs":17,"workerId":"01","claimId":"',
  '"}}\n{"seq":3,"at":17,"event":"browser_ready","from":"created","to":"live","cause":"launch","actor":"worker:01',
  '","input":{"nowMs":17,"endpoint":{"port":,"path":"/devtools/browser/',
  '}}}\n{"seq":4,"at":17,"event":"release","from":"live","to":"released","cause":"released_by_client","actor":"key:',
  'default","input":{"reason":"released_by_client","nowMs":17',
].join('');

/** The dictionaries by number. */
export const DICTIONARIES: Readonly<Record<number, Buffer>> = { 1: Buffer.from(FIRST) };

/** The number of the one that packs. */
export const PACKING_DICTIONARY = 1;
