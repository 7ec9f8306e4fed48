import { runForwardProxy } from './program';
import { SocksProxy } from './socks-proxy';

/** What a browser speaks SOCKS with. */
runForwardProxy(({ host, port, socket }, guard) =>
  socket === null ? SocksProxy.listen(host, port, guard) : SocksProxy.listenOn(socket, guard),
);
