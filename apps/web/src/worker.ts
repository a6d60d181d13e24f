// Answers the requests of protocol.ts.
import type { Reply, Request } from "./protocol";

self.onmessage = (event: MessageEvent<Request>) => {
  const reply: Reply = {
    id: event.data.id, kind: "error", message: "not built yet", cancelled: false, isFault: true,
  };
  self.postMessage(reply);
};
