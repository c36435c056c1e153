// Turns the claims of a token into a request to mint a token like it.

import { read } from "./json.js";
import { mistake } from "./time.js";

// The claims that the service sets. The caller sets all others.
export const setByService = ["iat", "jti", "exp", "payload"];

// remint returns the body of a request to POST /token, given the text of claims and the
// time in Unix seconds, or a fault: what the service cannot take over. It sets iat, jti and
// the date in payload anew, and exp becomes the lifetime. All other values keep their
// spelling.
export function remint(text, now) {
  const { members } = read(text);
  const { expiresIn, fault: expFault } = lifetime(members.get("exp"), now);
  const { data, fault: payloadFault } = userData(members.get("payload"));
  const others = [...members].filter(([name]) => !setByService.includes(name));
  const parts = [];
  if (data !== undefined) {
    parts.push(`"user_data":${data}`);
  }
  if (data === undefined || others.length > 0) {
    parts.push(`"claims":{${others.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`);
  }
  if (expiresIn !== undefined) {
    parts.push(`"expires_in":${expiresIn}`);
  }
  const fault = expFault ?? payloadFault ?? null;
  return { body: fault === null ? `{${parts.join(",")}}` : null, fault };
}

// lifetime returns the seconds from now to exp, if there is one.
function lifetime(exp, now) {
  if (exp === undefined) {
    return {};
  }
  const wrong = mistake("exp", exp);
  if (wrong !== "") {
    return { fault: wrong };
  }
  const expiresIn = Math.round(Number(exp) - now);
  return expiresIn > 0 ? { expiresIn } : { fault: "exp has passed: enter a later time, or remove it." };
}

// userData returns the data in payload, if there is one.
function userData(payload) {
  if (payload === undefined) {
    return {};
  }
  const { members } = read(payload);
  const data = members.get("data") ?? "null";
  if (data === "null" || [...members.keys()].some((name) => name !== "data" && name !== "date")) {
    return { fault: "payload belongs to the service, which puts data and date into it: rename yours." };
  }
  return { data };
}
