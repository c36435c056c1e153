// Other web sites, good and bad.

import { once } from "node:events";
import { connect, createServer } from "node:net";

import { sitesHost } from "./visit.js";

const page = "<!doctype html><title>site</title>";
const response = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`;

// openSite serves an empty page under all names that end in .example, on a free port. It
// returns the port and two functions. After rebind, the site passes every connection on
// to 127.0.0.1, at the same port number. To the browser and to what listens there, this
// is the same as a change of the name's address.
export async function openSite() {
  let rebound = false;
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // the browser may be gone
    // A browser also opens connections for requests to come: only the first bytes
    // show when it uses one.
    socket.once("data", (first) => {
      if (!rebound) {
        socket.end(response);
        return;
      }
      const service = connect(server.address().port, "127.0.0.1");
      service.on("error", () => socket.destroy());
      service.write(first);
      socket.pipe(service).pipe(socket);
    });
  });
  server.listen(0, sitesHost);
  await once(server, "listening");
  return {
    port: server.address().port,
    rebind: () => (rebound = true),
    close() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    },
  };
}
