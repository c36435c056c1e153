// Runs the built binary for a test.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

// A credential with every kind of character that one can have (RFC 6750 §2.1).
export const credential = "a-credential.of_the~browser+tests/0123456789=";

// start runs the service with a new key file, which holds signingKey if that is given: on
// a free port if bind names none, with one mint credential or none, and with more flags.
export async function start({ bind = "127.0.0.1:0", signingKey, credential, flags = [] } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "tokenmint-"));
  const keyFile = join(folder, "signing.key");
  const all = ["-bind", bind, "-graceful-timeout", "0s", "-signing-key-file", keyFile, ...flags];
  if (signingKey) {
    await writeFile(keyFile, `${signingKey}\n`, { mode: 0o600 });
  }
  if (credential) {
    const credentialsFile = join(folder, "mint.credentials");
    await writeFile(credentialsFile, `${credential}\n`, { mode: 0o600 });
    all.push("-mint-credentials-file", credentialsFile);
  }
  const child = spawn(binary(), all, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const origin = `http://${await listening(child)}`;
  return {
    origin,
    key: (await readFile(keyFile, "utf8")).trim(),
    async stop() {
      child.kill("SIGKILL");
      await exited;
      await rm(folder, { recursive: true, force: true }); // a test may stop it twice
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
