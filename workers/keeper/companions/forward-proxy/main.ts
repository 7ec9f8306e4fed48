import { ForwardProxy } from './forward-proxy';
import { runForwardProxy } from './program';

/** What a browser speaks HTTP with. */
runForwardProxy(({ host, port, socket, upstream }, guard) =>
  socket === null
    ? ForwardProxy.listen(host, port, upstream, guard)
    : ForwardProxy.listenOn(socket, upstream, guard),
);
