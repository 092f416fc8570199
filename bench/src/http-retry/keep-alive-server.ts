// The other side of the benchmark, in a process of its own: answers every GET with the same JSON, by as little work as a
// server can do, so that it is the client that takes the time.

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

const BODY = JSON.stringify({ id: 7, name: "Ada", roles: ["admin", "author"], address: { city: "London", zip: "W1" } });
const RESPONSE = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const HEAD_END = "\r\n\r\n";

const server = createServer({ noDelay: true }, (socket) => {
  let rest = "";
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => {
    // One of a request without a body, as all are here.
    const heads = (rest + text).split(HEAD_END);
    rest = heads.pop() ?? "";
    if (heads.length > 0) socket.write(RESPONSE.repeat(heads.length));
  });
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.send?.((server.address() as AddressInfo).port);
process.on("disconnect", () => process.exit());
