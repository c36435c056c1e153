// Runs the built binary for a test.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

// start runs the service on a free port, with a new key file.
export async function start() {
  const folder = await mkdtemp(join(tmpdir(), "tokenmint-"));
  const keyFile = join(folder, "signing.key");
  const child = spawn(binary(), ["-bind", "127.0.0.1:0", "-graceful-timeout", "0s", "-signing-key-file", keyFile], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const origin = `http://${await listening(child)}`;
  return {
    origin,
    key: (await readFile(keyFile, "utf8")).trim(),
    async stop() {
      child.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

function binary() {
  const path = process.env.TOKENMINT;
  if (!path) {
    throw new Error("TOKENMINT must name the binary: run .ci/browser/run");
  }
  return path;
}

function listening(child) {
  return new Promise((resolve, reject) => {
    let log = "";
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`the service ended: ${log}`)));
    child.stderr.on("data", (text) => {
      log += text;
      const address = /msg=listening address=(\S+)/.exec(log);
      if (address) {
        resolve(address[1]);
      }
    });
  });
}
